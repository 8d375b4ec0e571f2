import { zlibSync } from "fflate";
import { NoticeError } from "../errors.js";
import { joinChunks } from "./png-chunks.js";
import { filterRows } from "./png-rows.js";

/** An 8-bit RGB picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], rows from the top. */
  readonly data: Uint8Array;
}

/** The picture as the bytes of a PNG file (8-bit RGB). */
export function encodePng({ width, height, data }: Picture): Uint8Array {
  return pngFile(width, height, data, 3);
}

/** Grey values [height, width] as the bytes of a PNG file (8 bits). */
export function encodeGreyPng(width: number, height: number, data: Uint8Array): Uint8Array {
  return pngFile(width, height, data, 1);
}

/** @param data [height, width, channel] */
function pngFile(width: number, height: number, data: Uint8Array, channels: 1 | 3): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 3 ? 2 : 0], 8); // bits, colour type
  const rows = filterRows(data, { bytes: width * channels, step: channels });
  return joinChunks(["IHDR", header], ["IDAT", zlibSync(rows)], ["IEND", new Uint8Array()]);
}

/** The most pixels that are decoded: where Pillow calls a file a decompression bomb (`2 * Image.MAX_IMAGE_PIXELS`). */
export const MAX_PIXELS = 178_956_970;

/** @throws NoticeError `image` where a file's header claims no pixels, or more than `MAX_PIXELS`. */
export function checkSize(width: number, height: number, name: string): void {
  if (width === 0 || height === 0)
    throw new NoticeError("image", `${name} claims to be ${width} x ${height} pixels; both must be at least 1.`);
  if (width * height > MAX_PIXELS)
    throw new NoticeError(
      "image",
      `${name} claims to be ${width} x ${height} = ${width * height} pixels; at most ${MAX_PIXELS} are decoded. ` +
        "Scale the picture down.",
    );
}
