import { NoticeError } from "../base/errors.js";
import { PNG } from "./pngjs.js";

/** An 8-bit RGB picture. */
export interface Picture {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** [height, width, 3], rows from the top. */
  readonly data: Uint8Array;
}

/** Of a picture, in its pixels: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** A picture's size in pixels. */
export type Size = Pick<Picture, "width" | "height">;

/** What of a picture is in a box, to whole pixels. */
export function cropped(picture: Picture, [x, y, wide, tall]: Box): Picture {
  const [left, top] = [Math.round(x), Math.round(y)];
  const width = Math.max(1, Math.min(picture.width, Math.round(x + wide)) - left);
  const height = Math.max(1, Math.min(picture.height, Math.round(y + tall)) - top);
  const data = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * 3;
    data.set(picture.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, data };
}

/**
 * The picture as the bytes of a PNG file (8-bit RGB).
 *
 * @throws NoticeError `image` where it has no pixels or its data is not [height, width, 3].
 */
export function encodePng(picture: Picture): Uint8Array {
  checkPicture(picture);
  const { width, height, data } = picture;
  const png = new PNG({ width, height });
  png.data.set(data);
  return PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false });
}

/** The most pixels that are decoded: 8192 x 8192, 192 MB in RGB. */
export const MAX_PIXELS = 1 << 26;

/** The most pixels a side may have: as many as a JPEG can. A resampling kernel takes 16 bytes for each. */
export const MAX_SIDE = 65_535;

/** @throws NoticeError `image` where it is no picture, or its data is not [height, width, 3]. */
export function checkPicture(picture: Picture): void {
  // Not by instanceof: a notebook's cells have a Uint8Array of their own.
  if (!ArrayBuffer.isView(picture?.data))
    throw new NoticeError(
      "image",
      "A picture was expected: the path of a file (PNG, JPEG, WebP, GIF, BMP), the bytes of one (a Uint8Array; of an " +
        "ArrayBuffer make one by new Uint8Array(buffer)), or { width, height, data } in RGB.",
    );
  const { width, height, data } = picture;
  checkSize(width, height, "the picture");
  if (data.byteLength !== width * height * 3)
    throw new NoticeError(
      "image",
      `A picture of ${width} x ${height} pixels has ${data.byteLength} bytes; RGB takes 3 a pixel.`,
    );
}

/**
 * @throws NoticeError `image` where a picture claims no whole number of pixels, or more than `MAX_PIXELS` or
 * `MAX_SIDE`.
 */
export function checkSize(width: number, height: number, name: string): void {
  const claim = `${name} claims to be ${width} x ${height}`;
  if (!(Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1))
    throw new NoticeError("image", `${claim} pixels; both must be at least 1.`);
  if (width > MAX_SIDE || height > MAX_SIDE)
    throw new NoticeError(
      "image",
      `${claim} pixels; a side of at most ${MAX_SIDE} is decoded. Scale the picture down.`,
    );
  if (width * height > MAX_PIXELS)
    throw new NoticeError(
      "image",
      `${claim} = ${width * height} pixels, as decompression bombs do; at most ${MAX_PIXELS} are decoded. ` +
        "Scale the picture down.",
    );
}
