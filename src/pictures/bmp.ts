import { NoticeError } from "../base/errors.js";
import { expandRuns } from "./bmp-runs.js";
import { coloured, GREYS, isGreyRamp, padded } from "./palette.js";
import { checkSize, type Picture } from "./picture.js";

const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;
const HEADERS = [12, 40, 52, 56, 64, 108, 124];

interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels begin. */
  readonly start: number;
  /** Of up to 8 bits. */
  readonly palette?: Uint8Array;
  /** Bits of red, green and blue in a pixel of more bits. */
  readonly masks: readonly number[];
}

/**
 * A BMP's picture as RGB.
 *
 * @throws NoticeError `image`
 */
export function decodeBmp(bytes: Uint8Array, name: string): Picture {
  const bitmap = readHeader(bytes, name);
  const { width, height, topDown, bits, compression, start, palette } = bitmap;
  const size = `${width} x ${height} pixels of ${bits} bits`;
  const cut = new NoticeError("image", `${name} is a cut or damaged BMP: its data does not hold ${size}.`);
  const runs = compression === RLE8 || compression === RLE4;
  const stride = runs ? width : ((width * bits + 31) >> 5) * 4;
  if (!runs && start + stride * height > bytes.length) throw cut;
  const rows = runs ? expandRuns(bytes, start, bits, width, height) : bytes.subarray(start);
  if (!rows) throw cut;
  const row = palette ? indexReader(runs ? 8 : bits, palette) : maskReader(bits, bitmap.masks);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = (topDown ? y : height - 1 - y) * stride;
    data.set(row(rows.subarray(from, from + stride), width), y * width * 3);
  }
  return { width, height, data };
}

function readHeader(bytes: Uint8Array, name: string): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 18 ? view.getUint32(14, true) : 0;
  const old = length === 12;
  if (bytes.length < (old ? 26 : 54) || (HEADERS.includes(length) && bytes.length < 14 + length))
    throw new NoticeError("image", `${name} is a cut BMP: it ends after ${bytes.length} bytes, within its header.`);
  const rows = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const [width, height] = [old ? view.getUint16(18, true) : view.getUint32(18, true), Math.abs(rows)];
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : view.getUint32(30, true);
  const packed = (compression === RLE8 && bits === 8) || (compression === RLE4 && bits === 4);
  const plain = compression === 0 && [1, 4, 8, 16, 24, 32].includes(bits);
  const masks = compression === BITFIELDS ? readMasks(view, bits) : DEFAULT_MASKS[bits];
  if (!HEADERS.includes(length) || !(packed || plain || (compression === BITFIELDS && masks)))
    throw new NoticeError(
      "image",
      `${name} is a BMP of header ${length}, ${bits} bits and compression ${compression}, which is not decoded. Expected ` +
        "1, 4, 8, 16, 24 or 32 bits, plain or run-length encoded: convert it.",
    );
  checkSize(width, height, name);
  const colours = bits > 8 ? 0 : old ? 1 << bits : view.getUint32(46, true) || 1 << bits;
  if (colours > 256)
    throw new NoticeError(
      "image",
      `${name} is a damaged BMP: it has a palette of ${colours} colours; at most 256 fit.`,
    );
  const size = old ? 3 : 4;
  const end = 14 + length + (compression === BITFIELDS && length < 52 ? 12 : 0);
  const offset = view.getUint32(10, true);
  // Some writers leave the palette out of the offset.
  const start = (offset || end) + (offset === 0 || offset === 14 + length ? size * colours : 0);
  const palette = bits > 8 ? undefined : paletteOf(bytes.subarray(end, end + size * colours), size, colours);
  return { width, height, topDown: rows < 0, bits, compression, start, palette, masks: masks ?? [] };
}

/** Masks of red, green and blue where a file does not say. */
const DEFAULT_MASKS: Record<number, readonly number[]> = {
  16: [0x7c00, 0x3e0, 0x1f],
  24: [0xff0000, 0xff00, 0xff],
  32: [0xff0000, 0xff00, 0xff],
};

/** The layouts that Pillow reads, of which all but these two are of whole bytes. */
function readMasks(view: DataView, bits: number): readonly number[] | undefined {
  if (!(bits in DEFAULT_MASKS) || view.byteLength < 66) return undefined;
  const masks = [54, 58, 62].map((at) => view.getUint32(at, true));
  if (bits === 32 && masks.every((mask) => mask === 0)) return DEFAULT_MASKS[32];
  const known = LAYOUTS[bits]!.some((layout) => layout.every((mask, i) => mask === masks[i]));
  return known ? masks : undefined;
}

const LAYOUTS: Record<number, readonly (readonly number[])[]> = {
  16: [[0xf800, 0x7e0, 0x1f], [0x7c00, 0x3e0, 0x1f]],
  24: [[0xff0000, 0xff00, 0xff]],
  32: [[0xff0000, 0xff00, 0xff], [0xff000000, 0xff0000, 0xff00], [0xff000000, 0xff00, 0xff], [0xff, 0xff00, 0xff0000]],
}; // biome-ignore format: a row of layouts a depth

/** [256, 3] of blue, green and red, in three bytes each or four. */
function paletteOf(stored: Uint8Array, size: number, colours: number): Uint8Array {
  const palette = new Uint8Array(colours * 3).map((_, i) => stored[Math.floor(i / 3) * size + 2 - (i % 3)] ?? 0);
  return colours > 2 && isGreyRamp(palette) ? GREYS : padded(palette);
}

type RowReader = (row: Uint8Array, width: number) => Uint8Array;

/** Of indices of up to 8 bits, the leftmost in the highest. */
function indexReader(bits: number, palette: Uint8Array): RowReader {
  const most = (1 << bits) - 1;
  return (row, width) => {
    const indices = bits === 8 ? row.subarray(0, width) : new Uint8Array(width);
    if (bits < 8)
      for (let i = 0, bit = 0; i < width; i++, bit += bits)
        indices[i] = (row[bit >> 3]! >> (8 - bits - (bit & 7))) & most;
    return coloured(indices, palette);
  };
}

/** Of 16, 24 or 32 bits, each colour scaled to 8. */
function maskReader(bits: number, masks: readonly number[]): RowReader {
  const shifts = masks.map((mask) => 31 - Math.clz32(mask & -mask));
  const most = masks.map((mask, i) => mask >>> shifts[i]!);
  const bytes = bits / 8;
  return (row, width) => {
    const out = new Uint8Array(width * 3);
    for (let x = 0, at = 0; x < width; x++, at += bytes) {
      const pixel = (row[at]! | (row[at + 1]! << 8) | ((row[at + 2] ?? 0) << 16) | ((row[at + 3] ?? 0) << 24)) >>> 0;
      for (let i = 0; i < 3; i++) out[x * 3 + i] = (((pixel & masks[i]!) >>> shifts[i]!) * 255) / most[i]!;
    }
    return out;
  };
}
