import type { Codec } from "@cornerstonejs/codec-libjpeg-turbo-8bit/decode";
import { NoticeError } from "../base/errors.js";
import { loadJpegCodec } from "../platform/platform.js";
import { readMarkers } from "./jpeg-markers.js";
import type { Picture } from "./picture.js";

/** The codec's memory never shrinks, so that it is not kept after a picture that took more bytes. */
const KEPT_MEMORY = 100e6;

/**
 * A JPEG's picture as RGB, decoded by libjpeg-turbo, so that every value is that of Pillow (which is built on the same
 * library: accurate integer IDCT, smooth chroma upsampling). The codec is loaded with the first JPEG.
 *
 * @throws NoticeError `image`
 */
export async function decodeJpeg(bytes: Uint8Array, name: string): Promise<Picture> {
  const { width, height, length, memory } = readMarkers(bytes, name);
  codec ??= loadJpegCodec();
  const { JPEGDecoder } = await codec;
  try {
    const decoder = new JPEGDecoder();
    try {
      decoder.getEncodedBuffer(length).set(bytes.subarray(0, length));
      decoder.decode();
      const { componentCount } = decoder.getFrameInfo();
      const decoded = decoder.getDecodedBuffer();
      return { width, height, data: componentCount === 1 ? greyToRgb(decoded) : new Uint8Array(decoded.buffer) };
    } finally {
      decoder.delete();
      if (memory > KEPT_MEMORY) codec = undefined;
    }
  } catch (cause) {
    if (typeof cause === "number")
      throw new NoticeError(
        "image",
        `${name} is a damaged JPEG: libjpeg-turbo finds wrong or missing data in it. Take a sound copy of the picture; ` +
          "a program that shows it all the same makes the missing part up.",
      );
    // Not the codec's own refusal, so its memory is exhausted or in an unknown state: the next picture gets a new one.
    codec = undefined;
    throw new NoticeError("image", `${name} (${width} x ${height} pixels) is too large for the JPEG decoder.`, {
      cause,
    });
  }
}

let codec: Promise<Codec> | undefined;

function greyToRgb(grey: Uint8ClampedArray): Uint8Array {
  const data = new Uint8Array(grey.length * 3);
  for (let from = 0, to = 0; from < grey.length; from++, to += 3) data[to] = data[to + 1] = data[to + 2] = grey[from]!;
  return data;
}
