import { NoticeError } from "../base/errors.js";
import { checkSize } from "./picture.js";

/** A picture needs about ten; each costs a pass over all blocks, so a file with thousands would be a time bomb. */
const MAX_SCANS = 100;

/** A camera's file has about twenty, a long colour profile up to 255 more. */
const MAX_SEGMENTS = 4096;

/** The most memory of a decoder, bytes: the file, what of it is decoded, and copies of both. */
const MAX_MEMORY = 384 * 1024 * 1024;

/** The most steps of a decoder, each about a nanosecond. */
const MAX_STEPS = 1 << 30;

/** What of a JPEG has to be known before it is decoded. */
export interface JpegOutline {
  readonly width: number;
  readonly height: number;
  /** Of the file, up to and with its end marker. */
  readonly length: number;
  /** What decoding will take, bytes. */
  readonly memory: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  /** Blocks of 8 x 8 samples, also those that only fill the picture's edge up. */
  readonly components: readonly { readonly id: number; readonly blocks: number }[];
}

const TEM = 0x01;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const PROGRESSIVE = 0xc2;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * Walks the segments from SOI to EOI, past the entropy-coded data, and adds up what decoding will cost.
 * @throws NoticeError `image` where that is too much, or the segments are damaged.
 */
export function readMarkers(bytes: Uint8Array, name: string): JpegOutline {
  let frame: Frame | undefined;
  const scans: Scan[] = [];
  let segmentBytes = 0;
  let at = 2;
  for (let segments = 0; segments < MAX_SEGMENTS; segments++) {
    at = nextMarker(bytes, at);
    const marker = bytes[at];
    if (marker === EOI && frame && scans.length > 0) return outline(frame, scans, at + 1, at + 1 - segmentBytes, name);
    const length = marker === SOI || marker === EOI ? 0 : bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (marker === undefined || !(at + 1 + length <= bytes.length))
      throw new NoticeError(
        "image",
        `${name} is a cut JPEG: it ends after ${bytes.length} bytes, before its end marker.`,
      );
    const content = bytes.subarray(at + 1, at + 1 + length);
    if (isFrame(marker)) {
      if (frame) throw new NoticeError("image", `${name} is a damaged JPEG: it has two frame headers.`);
      frame = readFrame(marker, content, bytes.length, name);
    }
    if (marker === SOS && (!frame || scans.length === MAX_SCANS))
      throw new NoticeError(
        "image",
        `${name} is a JPEG with ${frame ? `more than ${MAX_SCANS} scans` : "no frame header before its data"}.`,
      );
    if (marker === SOS) scans.push(readScan(content, frame!, name));
    if (marker === EOI) throw new NoticeError("image", `${name} is a JPEG without picture data.`);
    at += 1 + length;
    segmentBytes += 1 + length;
  }
  throw new NoticeError(
    "image",
    `${name} is a JPEG of more than ${MAX_SEGMENTS} segments, more than any picture needs. Save it anew in an image editor.`,
  );
}

/**
 * The place of the next marker's code. Fill bytes, restarts and coded data come before it (FF 00 is a coded FF), and
 * TEM, which has no length either.
 */
function nextMarker(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    if (bytes[at++] !== 0xff) continue;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at];
    if (marker !== 0 && marker !== TEM && !isRestart(marker!)) break;
  }
  return at;
}

function readFrame(marker: number, frame: Uint8Array, stored: number, name: string): Frame {
  const [, , precision, heightHigh, heightLow, widthHigh, widthLow, count] = frame;
  const sampling = Array.from({ length: count ?? 0 }, (_, i) => frame[9 + 3 * i]!);
  if (sampling.some((factors) => !factors || !(factors >> 4) || !(factors & 15)))
    throw new NoticeError("image", `${name} is a damaged JPEG: its frame header is cut or has a sampling factor of 0.`);
  if (count === 4)
    throw new NoticeError("image", `${name} is a CMYK JPEG. Convert it to RGB first; the result depends on its inks.`);
  if (precision !== 8 || ![0xc0, 0xc1, PROGRESSIVE].includes(marker) || (count !== 1 && count !== 3))
    throw new NoticeError(
      "image",
      `${name} is a JPEG of frame type 0x${marker.toString(16)} with ${count} components of ${precision} bits. ` +
        "Expected baseline or progressive, grey or RGB, 8 bits: convert it.",
    );
  const [width, height] = [widthHigh! * 256 + widthLow!, heightHigh! * 256 + heightLow!];
  checkSize(width, height, name);
  const widest = Math.max(...sampling.map((factors) => factors >> 4));
  const highest = Math.max(...sampling.map((factors) => factors & 15));
  const units = Math.ceil(width / (8 * widest)) * Math.ceil(height / (8 * highest));
  const components = sampling.map((factors, i) => ({
    id: frame[8 + 3 * i]!,
    blocks: units * (factors >> 4) * (factors & 15),
  }));
  // Every block that holds pixels takes at least one bit.
  const density = sampling.reduce((sum, factors) => sum + (factors >> 4) * (factors & 15), 0) / (widest * highest);
  if (((width * height) / 64) * density > stored * 8)
    throw new NoticeError(
      "image",
      `${name} is a cut JPEG or a decompression bomb: ${stored} bytes cannot hold ${width} x ${height} pixels.`,
    );
  return { width, height, progressive: marker === PROGRESSIVE, components };
}

interface Scan {
  readonly components: number;
  /** Of passing over its blocks. */
  readonly steps: number;
}

function readScan(content: Uint8Array, frame: Frame, name: string): Scan {
  const components = content[2] ?? 0;
  const ids = Array.from({ length: components }, (_, i) => content[3 + 2 * i]);
  const blocks = ids.map((id) =>
    Math.max(0, ...frame.components.filter((one) => one.id === id).map((one) => one.blocks)),
  );
  const [first, last] = [content[3 + 2 * components]!, content[4 + 2 * components]!];
  const band = frame.progressive ? last - first + 1 : 64;
  if (content.length !== 6 + 2 * components || blocks.length === 0 || blocks.includes(0) || !(band > 0 && band <= 64))
    throw new NoticeError("image", `${name} is a damaged JPEG: a scan's header does not go with the frame's.`);
  return { components, steps: blocks.reduce((sum, some) => sum + some * (24 + band), 0) };
}

/** The costs as measured of libjpeg-turbo compiled to WebAssembly, upper bounds over pictures made to be slow. */
function outline(frame: Frame, scans: readonly Scan[], length: number, codedBytes: number, name: string): JpegOutline {
  const { width, height, progressive, components } = frame;
  const samples = 64 * components.reduce((sum, { blocks }) => sum + blocks, 0);
  // All coefficients are kept until the last scan has been read.
  const kept = progressive || scans.length > 1 || scans[0]!.components < components.length;
  const passes = scans.reduce((sum, scan) => sum + scan.steps, 0);
  const steps = samples * (kept ? 6 : 3) + passes + codedBytes * 28;
  // Decoded, copied, and three times as RGB where it is grey.
  const memory = 2 * length + width * height * (components.length === 1 ? 5 : 6) + (kept ? 2 * samples : 0);
  if (steps > MAX_STEPS || memory > MAX_MEMORY)
    throw new NoticeError(
      "image",
      `${name} is a JPEG of ${width} x ${height} pixels, ${scans.length} scans and ${codedBytes} bytes of data, which takes ` +
        `about ${steps} steps and ${memory} bytes to decode; at most ${MAX_STEPS} and ${MAX_MEMORY} are taken. ` +
        "Scale the picture down, or save it as baseline JPEG.",
    );
  return { width, height, length, memory };
}
