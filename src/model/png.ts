import { NoticeError } from "../errors.js";
import { checkSize, type Picture } from "./picture.js";
import { crc32, PNG_SIGNATURE } from "./png-chunks.js";
import { unfilterRows } from "./png-rows.js";

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGBA = 6;
const CHANNELS: Record<number, number> = { [GREY]: 1, [RGB]: 3, [PALETTE]: 1, [GREY_ALPHA]: 2, [RGBA]: 4 };
const DEPTHS: Record<number, readonly number[]> = {
  [GREY]: [1, 2, 4, 8, 16],
  [RGB]: [8, 16],
  [PALETTE]: [1, 2, 4, 8],
  [GREY_ALPHA]: [8, 16],
  [RGBA]: [8, 16],
};

/**
 * A PNG's picture as RGB, by what every runtime of the web has (`DecompressionStream`).
 *
 * @throws NoticeError `image`
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Picture> {
  const { header, palette, data } = readChunks(bytes, name);
  const inflated = await inflate(header, data, name);
  const picture = {
    width: header.width,
    height: header.height,
    data: new Uint8Array(header.width * header.height * 3),
  };
  const step = Math.max(1, bitsPerPixel(header) / 8);
  let from = 0;
  for (const pass of passesOf(header)) {
    const end = from + pass.rows * (1 + pass.bytes);
    const rows = inflated.subarray(from, end); // [row, 1 + bytes]
    if (!unfilterRows(rows, { bytes: pass.bytes, step }))
      throw new NoticeError(
        "image",
        `${name} is a damaged PNG: a row names a filter that the PNG standard does not have.`,
      );
    place(rows, pass, header, palette, picture);
    from = end;
  }
  return picture;
}

/** Walks all chunks up to IEND and checks their sums. */
function readChunks(bytes: Uint8Array, name: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  for (let at = PNG_SIGNATURE.length; ; ) {
    const length = at + 8 <= bytes.length ? view.getUint32(at) : 0;
    const end = at + 12 + length;
    if (end > bytes.length)
      throw new NoticeError(
        "image",
        `${name} is a cut PNG: it ends after ${bytes.length} bytes, before its IEND chunk.`,
      );
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(end - 4))
      throw new NoticeError("image", `${name} is a damaged PNG: the checksum of its chunk at byte ${at} is wrong.`);
    if (!header) header = readHeader(type, content, name);
    else if (type === "PLTE") palette = content;
    else if (type === "IDAT") data.push(content);
    else if (type === "IEND") {
      if (header.colour !== PALETTE) return { header, data };
      if (palette && palette.length >= 3) return { header, data, palette: padded(palette) };
      throw new NoticeError(
        "image",
        `${name} is a damaged PNG: its pixels are palette indices, and it has no palette.`,
      );
    }
    at = end;
  }
}

function readHeader(type: string, content: Uint8Array, name: string): Header {
  if (type !== "IHDR" || content.length !== 13)
    throw new NoticeError("image", `${name} is a damaged PNG: it does not begin with a whole IHDR chunk.`);
  const view = new DataView(content.buffer, content.byteOffset);
  const [depth, colour, compression, filter, interlace] = content.subarray(8);
  if (!DEPTHS[colour!]?.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1)
    throw new NoticeError(
      "image",
      `${name} is a PNG of colour type ${colour}, ${depth} bits, compression ${compression}, filter ${filter}, ` +
        `interlace ${interlace}, which the PNG standard does not have.`,
    );
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  checkSize(width, height, name);
  return { width, height, depth: depth!, colour: colour!, interlaced: interlace === 1 };
}

/** 256 colours, the missing ones black: an index past the palette is black in Pillow and an error in pngjs. */
function padded(palette: Uint8Array): Uint8Array {
  const full = new Uint8Array(768);
  full.set(palette.subarray(0, 768));
  return full;
}

// Deflate cannot do better than 1032 : 1 (zlib's technical details).
const MAX_DEFLATE_RATIO = 1032;

/** The IDAT chunks inflated, which must be exactly what the header announces; never more than that is held. */
async function inflate(header: Header, data: readonly Uint8Array[], name: string): Promise<Uint8Array> {
  const expected = passesOf(header).reduce((sum, { rows, bytes }) => sum + rows * (1 + bytes), 0);
  const stored = data.reduce((sum, part) => sum + part.length, 0);
  const size = `${header.width} x ${header.height} pixels need ${expected} bytes of data`;
  if (stored * MAX_DEFLATE_RATIO < expected)
    throw new NoticeError("image", `${name} is a cut PNG or a decompression bomb: ${size}, and it holds ${stored}.`);
  const parts: Uint8Array[] = [];
  let found = 0;
  let broken = false;
  const reader = new Blob(data as Uint8Array<ArrayBuffer>[])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"))
    .getReader();
  try {
    for (let part = await reader.read(); !part.done && found <= expected; part = await reader.read()) {
      parts.push(part.value);
      found += part.value.length;
    }
  } catch {
    // Bytes behind the end of the zlib stream are an error to some runtimes and not to others; only pixels count.
    broken = found !== expected;
  }
  await reader.cancel().catch(() => {});
  if (broken || found < expected)
    throw new NoticeError("image", `${name} is a damaged PNG: ${size}, and ${found} of them can be inflated.`);
  if (found > expected)
    throw new NoticeError(
      "image",
      `${name} is a damaged PNG or a decompression bomb: ${size}, and it inflates to more.`,
    );
  const whole = new Uint8Array(expected);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Adam7: column and row of the first pixel, and the steps, of each pass (PNG standard, 8.1).
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const WHOLE = [[0, 0, 1, 1]] as const;

/** Rows of equal length, whose pixels go to every dx-th column from x on of every dy-th row from y on. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly columns: number;
  readonly rows: number;
  /** Of a row, without its filter. */
  readonly bytes: number;
}

function passesOf(header: Header): Pass[] {
  const { width, height, interlaced } = header;
  return (interlaced ? ADAM7 : WHOLE).flatMap(([x, y, dx, dy]) => {
    const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
    const bytes = Math.ceil((columns * bitsPerPixel(header)) / 8);
    return columns > 0 && rows > 0 ? [{ x, y, dx, dy, columns, rows, bytes }] : [];
  });
}

function bitsPerPixel({ depth, colour }: Header): number {
  return depth * CHANNELS[colour]!;
}

/** The pixels of a pass's unfiltered rows, in Pillow's 8 bits. */
function place(
  rows: Uint8Array,
  pass: Pass,
  header: Header,
  palette: Uint8Array | undefined,
  { width, data }: Picture,
) {
  const { depth, colour } = header;
  const channels = CHANNELS[colour]!;
  const grey = channels < 3;
  for (let row = 0; row < pass.rows; row++) {
    const from = row * (1 + pass.bytes) + 1;
    for (let column = 0; column < pass.columns; column++) {
      const to = ((pass.y + row * pass.dy) * width + pass.x + column * pass.dx) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const value = sample(rows, from, column * channels + (grey ? 0 : channel), depth, colour);
        data[to + channel] = palette ? palette[3 * value + channel]! : value;
      }
    }
  }
}

/**
 * The i-th sample of a row. Pillow reads 16-bit grey as mode "I;16" and clips it; other 16-bit samples lose their lower
 * byte. Grey of few bits is spread over the range, an index into the palette is not.
 */
function sample(rows: Uint8Array, from: number, i: number, depth: number, colour: number): number {
  if (depth === 8) return rows[from + i]!;
  if (depth === 16) {
    const upper = rows[from + 2 * i]!;
    return colour === GREY && upper > 0 ? 255 : rows[from + 2 * i + (colour === GREY ? 1 : 0)]!;
  }
  const bit = i * depth;
  const most = 2 ** depth - 1;
  const value = (rows[from + (bit >> 3)]! >> (8 - depth - (bit & 7))) & most;
  return colour === GREY ? value * (255 / most) : value;
}
