import { NoticeError } from "../base/errors.js";
import { checkSize, type Picture } from "./picture.js";
import { decodeVp8 } from "./webp-codec.js";

/** The decoder takes 8 bytes for each, and the picture 3 more. */
const MAX_WEBP_PIXELS = 24e6;

/** The most bytes of a frame. */
export const MAX_WEBP_DATA = 16 * 1024 * 1024;

/** Writers have a chunk or two before the first frame; profiles are one. */
const MAX_CHUNKS = 4096;

/** Where a chunk's content is in the file. */
interface Chunk {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

interface Frame extends Chunk {
  readonly width: number;
  readonly height: number;
}

/**
 * A WebP's picture, or its first frame on a black canvas, as RGB, decoded by libwebp, so that every value is that of
 * Pillow. Colours do not depend on alpha, which is not decoded.
 *
 * @throws NoticeError `image`
 */
export async function decodeWebp(bytes: Uint8Array, name: string): Promise<Picture> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, bytes.length < 12 ? 0 : 8 + view.getUint32(4, true));
  let canvas: { width: number; height: number } | undefined;
  let place = { left: 0, top: 0 };
  let from = 12;
  let to = end;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const chunk = chunkAt(view, from, to);
    if (!chunk) break;
    if (chunk.type === "VP8X" && chunk.to - chunk.from >= 10)
      canvas = { width: 1 + uint24(view, chunk.from + 4), height: 1 + uint24(view, chunk.from + 7) };
    if (chunk.type === "VP8 " || chunk.type === "VP8L") {
      const frame = frameOf(view, chunk, name);
      return paste(await decodeVp8(fileOf(bytes, chunk), frame, name), place, canvas ?? frame, name);
    }
    from = chunk.to + (chunk.to & 1);
    if (chunk.type === "ANMF" && chunk.to - chunk.from >= 16) {
      place = { left: 2 * uint24(view, chunk.from), top: 2 * uint24(view, chunk.from + 3) };
      [from, to] = [chunk.from + 16, chunk.to];
    }
  }
  throw new NoticeError("image", `${name} is a cut or damaged WebP: it has no whole frame.`);
}

/** None where it does not end before `end`. */
function chunkAt(view: DataView, at: number, end: number): Chunk | undefined {
  if (at + 8 > end) return undefined;
  const type = String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
  const to = at + 8 + view.getUint32(at + 4, true);
  return to <= end ? { type, from: at + 8, to } : undefined;
}

const uint24 = (view: DataView, at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536;

/** The size that the frame's own header tells. */
function frameOf(view: DataView, chunk: Chunk, name: string): Frame {
  const { type, from, to } = chunk;
  if (to - from < 10) throw new NoticeError("image", `${name} is a cut WebP: its frame has ${to - from} bytes.`);
  const lossless = view.getUint32(from + 1, true);
  const [width, height] =
    type === "VP8L"
      ? [1 + (lossless & 0x3fff), 1 + ((lossless >>> 14) & 0x3fff)]
      : [view.getUint16(from + 6, true) & 0x3fff, view.getUint16(from + 8, true) & 0x3fff];
  checkSize(width, height, name);
  checkCost(width, height, to - from, name);
  return { ...chunk, width, height };
}

function checkCost(width: number, height: number, stored: number, name: string): void {
  if (width * height > MAX_WEBP_PIXELS || stored > MAX_WEBP_DATA)
    throw new NoticeError(
      "image",
      `${name} is a WebP of ${width} x ${height} pixels and ${stored} bytes of data; at most ${MAX_WEBP_PIXELS} pixels and ` +
        `${MAX_WEBP_DATA} bytes are decoded. Scale the picture down.`,
    );
}

/** A file with this chunk only. */
function fileOf(bytes: Uint8Array, { type, from, to }: Chunk): Uint8Array {
  const length = to - from + ((to - from) & 1);
  const file = new Uint8Array(20 + length);
  const view = new DataView(file.buffer);
  for (const [i, char] of [...`RIFF    WEBP${type}`].entries()) file[i] = char.charCodeAt(0);
  view.setUint32(4, 12 + length, true);
  view.setUint32(16, to - from, true);
  file.set(bytes.subarray(from, to), 20);
  return file;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function paste(frame: Picture, { left, top }: { left: number; top: number }, canvas: Size, name: string): Picture {
  const { width, height } = canvas;
  if (width === frame.width && height === frame.height && left === 0 && top === 0) return frame;
  checkSize(width, height, name);
  checkCost(width, height, 0, name);
  if (left + frame.width > width || top + frame.height > height)
    throw new NoticeError(
      "image",
      `${name} is a damaged WebP: its frame does not fit its canvas of ${width} x ${height}.`,
    );
  const data = new Uint8Array(width * height * 3);
  const stride = frame.width * 3;
  for (let y = 0; y < frame.height; y++)
    data.set(frame.data.subarray(y * stride, (y + 1) * stride), ((top + y) * width + left) * 3);
  return { width, height, data };
}
