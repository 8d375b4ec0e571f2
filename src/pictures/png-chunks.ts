import { NoticeError } from "../base/errors.js";
import { padded } from "./palette.js";
import { checkSize } from "./picture.js";

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth: number;
  /** One of `GREY`, 2 (RGB), `PALETTE`, 4 (grey and alpha), 6 (RGB and alpha). */
  readonly colour: number;
  /** Samples a pixel. */
  readonly channels: number;
  readonly interlaced: boolean;
}

/** What of a PNG makes pixels. */
export interface PngChunks {
  readonly header: PngHeader;
  /** [256, 3], where the pixels are palette indices. */
  readonly palette?: Uint8Array;
  /** The contents of the IDAT chunks, one behind the other. */
  readonly data: Uint8Array;
}

const SIGNATURE_LENGTH = 8;
export const GREY = 0;
const PALETTE = 3;
const CHANNELS: Record<number, number> = { [GREY]: 1, 2: 3, [PALETTE]: 1, 4: 2, 6: 4 };
const DEPTHS: Record<number, readonly number[]> = {
  [GREY]: [1, 2, 4, 8, 16],
  2: [8, 16],
  [PALETTE]: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/** libpng writes one for every 8 KB of data: 8,192 in the largest file that is decoded. */
const MAX_CHUNKS = 1 << 16;

/** Walks all chunks up to IEND and checks their sums. @throws NoticeError `image` */
export function readChunks(bytes: Uint8Array, name: string): PngChunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: PngHeader | undefined;
  let palette: Uint8Array | undefined;
  let at = SIGNATURE_LENGTH;
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const length = at + 8 <= bytes.length ? view.getUint32(at) : 0;
    const end = at + 12 + length;
    if (end > bytes.length)
      throw new NoticeError(
        "image",
        `${name} is a cut PNG: it ends after ${bytes.length} bytes, before its IEND chunk.`,
      );
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes, at + 4, end - 4) !== view.getUint32(end - 4))
      throw new NoticeError("image", `${name} is a damaged PNG: the checksum of its chunk at byte ${at} is wrong.`);
    if (!header) header = readHeader(type, content, name);
    else if (type === "PLTE") palette = content;
    else if (type === "IDAT") data.push(content);
    else if (type === "IEND") {
      if (header.colour !== PALETTE) return { header, data: joined(data) };
      if (palette && palette.length >= 3) return { header, data: joined(data), palette: padded(palette) };
      throw new NoticeError(
        "image",
        `${name} is a damaged PNG: its pixels are palette indices, and it has no palette.`,
      );
    }
    at = end;
  }
  throw new NoticeError(
    "image",
    `${name} is a PNG of more than ${MAX_CHUNKS} chunks, more than any picture needs. Save it anew in an image editor.`,
  );
}

function readHeader(type: string, content: Uint8Array, name: string): PngHeader {
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
  return { width, height, depth: depth!, colour: colour!, channels: CHANNELS[colour!]!, interlaced: interlace === 1 };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array, from: number, to: number): number {
  let sum = -1;
  for (let i = from; i < to; i++) sum = CRC_TABLE[(sum ^ bytes[i]!) & 0xff]! ^ (sum >>> 8);
  return ~sum >>> 0;
}
