import { NoticeError } from "../base/errors.js";
import { isFrame, type JpegComponent, type JpegMarkers, type JpegSegment } from "./jpeg-markers.js";
import { recode } from "./jpeg-recode.js";

/**
 * A JPEG of four components as two of three: without the fourth, and without the first. The fourth is then the first of
 * the frame, as brightness is, since chroma may be subsampled.
 *
 * @throws NoticeError `image` where that would change how its components are scaled.
 */
export function halves(file: JpegMarkers, name: string): [colours: JpegSegment[], blacks: JpegSegment[]] {
  const { components } = file.frame;
  const [first, second, third, fourth] = components as [JpegComponent, JpegComponent, JpegComponent, JpegComponent];
  const whole = ({ across, down }: JpegComponent) =>
    components.every((other) => other.across <= across && other.down <= down);
  // What is left of two, in a scan of its own, would have its blocks in another order.
  const pairs = file.segments.some(
    ({ scan }) => scan?.components.length === 2 && scan.components.some(({ across, down }) => across * down > 1),
  );
  if (!whole(first) || !whole(fourth) || pairs || new Set(components.map(({ id }) => id)).size < 4)
    throw new NoticeError(
      "image",
      `${name} is a CMYK JPEG that stores its inks in an unusual way, which is not decoded. Convert it to RGB.`,
    );
  const [colours, blacks] = recode(file, [
    [first, second, third],
    [fourth, second, third],
  ]);
  return [colours!.map(ofComponents(0, 1, 2)), blacks!.map(ofComponents(3, 1, 2))];
}

/** The frame's header with these of its components only. */
function ofComponents(...kept: readonly number[]): (segment: JpegSegment) => JpegSegment {
  return (segment) => {
    if (!isFrame(segment.marker)) return segment;
    const { content } = segment;
    const parts = kept.flatMap((i) => [...content.subarray(8 + 3 * i, 11 + 3 * i)]);
    return { marker: segment.marker, content: Uint8Array.of(0, 17, ...content.subarray(2, 7), 3, ...parts) };
  };
}

/**
 * As Pillow's `convert("RGB")`, which takes all inks for stored inverted, as Adobe does.
 *
 * @param colours [height, width, 3], becomes the result: inks, or, where `transformed`, the RGB that libjpeg would
 *     turn into inks.
 * @param blacks [height, width, 3], of which the first is black.
 */
export function cmykToRgb(colours: Uint8Array, blacks: Uint8ClampedArray, transformed: boolean): Uint8Array {
  const inverted = transformed ? 0 : 255;
  for (let at = 0; at < colours.length; at++) {
    const white = blacks[at - (at % 3)]!;
    const product = (colours[at]! ^ inverted) * white + 128;
    colours[at] = white - ((product + (product >> 8)) >> 8);
  }
  return colours;
}
