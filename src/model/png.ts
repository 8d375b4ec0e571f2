import { NoticeError } from "../errors.js";
import { PNG } from "../pngjs.js";
import { checkSize, type Picture } from "./picture.js";

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

const SIGNATURE_LENGTH = 8;
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
 * A PNG's picture as RGB. pngjs only gets the chunks that make pixels, after the whole file was checked here: it does
 * not check the sums of chunks it skips, inflates interlaced data without bound, and blackens tRNS colours.
 *
 * @throws NoticeError `image`
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Picture> {
  const { header, palette, data } = readChunks(bytes, name);
  await checkData(header, data, name);
  const chunks = [chunk("IHDR", bytes.subarray(16, 29)), chunk("IDAT", ...data), chunk("IEND")];
  if (palette) chunks.splice(1, 0, chunk("PLTE", palette));
  try {
    const file = nodeBytes([bytes.subarray(0, SIGNATURE_LENGTH), ...chunks.flat()]);
    // Uint16Array where the file has 16 bits; the typings leave out both that and `skipRescale`.
    const { data: rgba } = PNG.sync.read(file, { skipRescale: true }) as { data: Uint8Array | Uint16Array };
    return toRgb(rgba, header);
  } catch (cause) {
    throw new NoticeError("image", `${name} is a damaged PNG: its pixels cannot be decoded.`, { cause });
  }
}

/** The Buffer that pngjs reads: Node's, or in a browser the one that it brings along and does not export. */
function nodeBytes(parts: readonly Uint8Array[]): Buffer {
  const { data } = new PNG({ width: 1, height: 1 });
  return (data.constructor as typeof Buffer).concat(parts);
}

/** Walks all chunks up to IEND and checks their sums. */
function readChunks(bytes: Uint8Array, name: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  for (let at = SIGNATURE_LENGTH; ; ) {
    const length = at + 8 <= bytes.length ? view.getUint32(at) : 0;
    const end = at + 12 + length;
    if (end > bytes.length)
      throw new NoticeError(
        "image",
        `${name} is a cut PNG: it ends after ${bytes.length} bytes, before its IEND chunk.`,
      );
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32([bytes.subarray(at + 4, at + 8 + length)]) !== view.getUint32(end - 4))
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

/** Checks that the IDAT chunks inflate to exactly what the header announces, without ever holding more than that. */
async function checkData(header: Header, data: readonly Uint8Array[], name: string): Promise<void> {
  const expected = inflatedLength(header);
  const stored = data.reduce((sum, part) => sum + part.length, 0);
  const size = `${header.width} x ${header.height} pixels need ${expected} bytes of data`;
  if (stored * MAX_DEFLATE_RATIO < expected)
    throw new NoticeError("image", `${name} is a cut PNG or a decompression bomb: ${size}, and it holds ${stored}.`);
  let found = 0;
  let broken = false;
  const reader = new Blob(data as Uint8Array<ArrayBuffer>[])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"))
    .getReader();
  try {
    for (let part = await reader.read(); !part.done && found <= expected; part = await reader.read())
      found += part.value.length;
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
}

// Adam7: column and row of the first pixel, and the steps, of each pass (PNG standard, 8.1).
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Each row has a filter byte before its pixels. */
function inflatedLength({ width, height, depth, colour, interlaced }: Header): number {
  const rows = (columns: number, count: number) =>
    columns > 0 ? count * (1 + Math.ceil((columns * depth * CHANNELS[colour]!) / 8)) : 0;
  if (!interlaced) return rows(width, height);
  return PASSES.reduce(
    (sum, [x, y, dx, dy]) => sum + rows(Math.ceil((width - x) / dx), Math.max(0, Math.ceil((height - y) / dy))),
    0,
  );
}

/** pngjs's samples (as stored, but a palette is looked up and grey stands in all channels) in Pillow's 8 bits. */
function toRgb(rgba: Uint8Array | Uint16Array, { width, height, depth, colour }: Header): Picture {
  const data = new Uint8Array(width * height * 3);
  const factor = depth < 8 && colour === GREY ? 255 / (2 ** depth - 1) : 1;
  // Pillow reads 16-bit grey as mode "I;16" and clips it; other 16-bit samples lose their lower byte.
  const clipped = depth === 16 && colour === GREY;
  const shift = depth === 16 && !clipped ? 8 : 0;
  for (let from = 0, to = 0; to < data.length; from += 4)
    for (let channel = 0; channel < 3; channel++) {
      const sample = rgba[from + channel]!;
      data[to++] = clipped ? Math.min(sample, 255) : (sample >> shift) * factor;
    }
  return { width, height, data };
}

function chunk(type: string, ...parts: Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const body = [Uint8Array.from(type, (letter) => letter.charCodeAt(0)), ...parts];
  return [bigEndian(length), ...body, bigEndian(crc32(body))];
}

function bigEndian(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(parts: readonly Uint8Array[]): number {
  let sum = 0xffffffff;
  for (const part of parts)
    for (let i = 0; i < part.length; i++) sum = CRC_TABLE[(sum ^ part[i]!) & 0xff]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
