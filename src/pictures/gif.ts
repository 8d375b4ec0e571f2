import { NoticeError } from "../base/errors.js";
import { lzwDecode } from "./lzw.js";
import { coloured, GREYS, isGreyRamp, padded } from "./palette.js";
import { checkSize, type Picture } from "./picture.js";

/** The most bytes of a frame's codes. */
export const MAX_CODED = 16 * 1024 * 1024;

/** A code has 3 bits or more, and its string no more than this many indices. */
const MOST_OF_A_CODE = 4096;

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const END = 0x3b;
const GRAPHIC_CONTROL = 0xf9;

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  readonly palette: Uint8Array;
  /** The index that stands for nothing. */
  readonly transparent: number;
  /** Bits of an index in the codes. */
  readonly bits: number;
  readonly coded: Uint8Array;
}

/**
 * A GIF's first frame as RGB, as Pillow shows it: around a frame smaller than the screen is the transparent colour, or
 * the first one.
 *
 * @throws NoticeError `image`
 */
export function decodeGif(bytes: Uint8Array, name: string): Picture {
  const damaged = (why: string) => new NoticeError("image", `${name} is a cut or damaged GIF: ${why}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frame = firstFrame(bytes, view, name);
  if (!frame) throw damaged("it has no whole picture");
  // Pillow widens the screen to what its frame needs.
  const width = Math.max(view.getUint16(6, true), frame.left + frame.width);
  const height = Math.max(view.getUint16(8, true), frame.top + frame.height);
  checkSize(width, height, name);
  checkSize(frame.width, frame.height, name);
  const wanted = frame.width * frame.height;
  if (wanted > ((frame.coded.length * 8) / 3) * MOST_OF_A_CODE)
    throw damaged(`${frame.coded.length} bytes of data cannot hold ${frame.width} x ${frame.height} pixels`);
  const screen = new Uint8Array(width * height).fill(frame.transparent);
  const found = lzwDecode(frame.coded, frame.bits, wanted, rowPlacer(frame, screen, width));
  if (found < wanted) throw damaged(`${frame.width} x ${frame.height} pixels are expected, and ${found} can be read`);
  return { width, height, data: coloured(screen, frame.palette) };
}

/** None where the file ends before it. */
function firstFrame(bytes: Uint8Array, view: DataView, name: string): Frame | undefined {
  let at = 13;
  let palette: Uint8Array = GREYS;
  let transparent = 0;
  const takePalette = (flags: number) => {
    if (!(flags & 0x80)) return;
    const stored = bytes.subarray(at, at + 3 * 2 ** ((flags & 7) + 1));
    at += stored.length;
    // A frame's own greys do not replace other colours of the screen in Pillow.
    if (!isGreyRamp(stored)) palette = padded(stored);
  };
  if (bytes.length < at) return undefined;
  takePalette(bytes[10]!);
  while (at < bytes.length) {
    const kind = bytes[at++];
    if (kind === END) return undefined;
    if (kind === EXTENSION) {
      if (bytes[at] === GRAPHIC_CONTROL && bytes[at + 1]! >= 4 && bytes[at + 2]! & 1) transparent = bytes[at + 5]!;
      at = endOfBlocks(bytes, at + 1);
    }
    if (kind !== IMAGE || at + 9 > bytes.length) continue;
    const [left, top, width, height] = [0, 2, 4, 6].map((i) => view.getUint16(at + i, true)) as [number, number, number, number]; // biome-ignore format: a row
    const flags = bytes[at + 8]!;
    at += 9;
    takePalette(flags);
    const bits = bytes[at]!;
    const coded = joinedBlocks(bytes, at + 1, name);
    return { left, top, width, height, interlaced: (flags & 0x40) > 0, palette, transparent, bits, coded };
  }
  return undefined;
}

/** The place behind the empty block that ends a row of blocks, or behind the file. */
function endOfBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes[at]!;
  return at + 1;
}

function joinedBlocks(bytes: Uint8Array, from: number, name: string): Uint8Array {
  const end = Math.min(endOfBlocks(bytes, from) - 1, bytes.length);
  if (end - from > MAX_CODED)
    throw new NoticeError(
      "image",
      `${name} is a GIF whose first frame has ${end - from} bytes of data; at most ${MAX_CODED} are decoded. ` +
        "Scale the picture down, or save it as a PNG.",
    );
  const joined = new Uint8Array(Math.max(0, end - from));
  let length = 0;
  for (let at = from; at < end; at += 1 + bytes[at]!) {
    const block = bytes.subarray(at + 1, Math.min(end, at + 1 + bytes[at]!));
    joined.set(block, length);
    length += block.length;
  }
  return joined.subarray(0, length);
}

/** First row and step of each pass. */
const PASSES = [[0, 8], [4, 8], [2, 4], [1, 2]] as const; // biome-ignore format: a row

/** Puts a frame's indices in their place on the screen, one after the other. */
function rowPlacer({ left, top, width, height, interlaced }: Frame, screen: Uint8Array, stride: number) {
  const rows = interlaced
    ? PASSES.flatMap(([first, step]) => Array.from({ length: Math.ceil((height - first) / step) }, (_, i) => first + i * step)) // biome-ignore format: a row
    : Array.from({ length: height }, (_, y) => y);
  let row = 0;
  let x = 0;
  let start = (top + (rows[0] ?? 0)) * stride + left;
  return (index: number) => {
    screen[start + x] = index;
    if (++x < width) return;
    x = 0;
    start = (top + (rows[++row] ?? 0)) * stride + left;
  };
}
