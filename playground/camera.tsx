import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Picture } from "../src/pictures/picture.js";
import { pictureOfBitmap } from "./pictures.js";

export interface CameraProps {
  /** "clean": which picture it takes. */
  readonly name: string;
  readonly onPicture: (picture: Picture) => void;
  /** Why there is none. */
  readonly onError: (error: Error) => void;
}

/** Takes a picture by the machine's camera. Where there is none, nothing is shown. */
export function Camera({ name, onPicture, onError }: CameraProps): VNode | null {
  const hasCamera = useHasCamera();
  const [stream, setStream] = useState<MediaStream>();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current && stream) video.current.srcObject = stream;
    return () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, [stream]);
  if (!hasCamera) return null;
  const open = () =>
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: "environment" } })
      .then(setStream, (error: DOMException) => onError(new Error(refusalOf(error))));
  const take = async () => {
    if (!video.current) return;
    await createImageBitmap(video.current)
      .then(pictureOfBitmap)
      .then(onPicture, () => onError(new Error("The camera shows nothing yet. Take the picture a moment later.")));
    setStream(undefined);
  };
  if (!stream)
    return (
      <button type="button" onClick={() => void open()}>
        Photograph the {name} picture
      </button>
    );
  return (
    <div>
      <video ref={video} class="pixels" autoplay muted playsinline aria-label="What the camera sees" />
      <button type="button" onClick={() => void take()}>
        Take it
      </button>{" "}
      <button type="button" onClick={() => setStream(undefined)}>
        Close the camera
      </button>
    </div>
  );
}

function useHasCamera(): boolean {
  const [has, setHas] = useState(false);
  useEffect(() => {
    // Only secure addresses have devices.
    void navigator.mediaDevices
      ?.enumerateDevices()
      .then((devices) => setHas(devices.some(({ kind }) => kind === "videoinput")))
      .catch(() => {});
  }, []);
  return has;
}

function refusalOf({ name, message }: DOMException): string {
  const instead = "or choose a file.";
  if (name === "NotAllowedError")
    return `The camera was refused. Allow it for this address in the browser's settings, ${instead}`;
  if (name === "NotReadableError") return `Another program uses the camera. End that one, ${instead}`;
  if (name === "NotFoundError") return `There is no camera any more. Connect one, ${instead}`;
  return `The camera does not open: ${message}. Try it again, ${instead}`;
}
