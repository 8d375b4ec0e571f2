import { NoticeError } from "../base/errors.js";
import { checkSize } from "./picture.js";

/** A picture needs about ten; each costs a pass over all blocks, so a file with thousands would be a time bomb. */
const MAX_SCANS = 100;

/** A camera's file has about twenty, a long colour profile up to 255 more. */
const MAX_SEGMENTS = 4096;

/** What of a JPEG makes pixels. */
export interface JpegMarkers {
  readonly frame: JpegFrame;
  /** Tables, restart intervals, the frame's header and the scans, in the order of the file. */
  readonly segments: readonly JpegSegment[];
  /** Of the file, up to and with its end marker. */
  readonly length: number;
}

export interface JpegFrame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly JpegComponent[];
  /** How the components are to be read: as red, green and blue (or inks), or as brightness and two of colour. */
  readonly transformed: boolean;
}

export interface JpegComponent {
  readonly id: number;
  /** Sampling factors: blocks across and down in a unit of all components. */
  readonly across: number;
  readonly down: number;
  /** Blocks of 8 x 8 samples, also those that only fill the picture's edge up. */
  readonly blocks: number;
}

export interface JpegSegment {
  readonly marker: number;
  /** With the two bytes of its length. */
  readonly content: Uint8Array;
  readonly scan?: JpegScan;
}

export interface JpegScan {
  /** In the order of the scan's header. */
  readonly components: readonly JpegComponent[];
  /** Coefficients. */
  readonly band: number;
  /** Huffman codes with restart markers among them, and whatever stands behind them. */
  readonly coded: Uint8Array;
}

const TEM = 0x01;
export const DHT = 0xc4;
const SOI = 0xd8;
const EOI = 0xd9;
export const SOS = 0xda;
const DNL = 0xdc;
export const DRI = 0xdd;
const JFIF = 0xe0;
const ADOBE = 0xee;
const COMMENT = 0xfe;
const PROGRESSIVE = 0xc2;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
export const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![DHT, 0xc8, 0xcc].includes(marker);
const isAside = (marker: number) => (marker >= JFIF && marker <= 0xef) || marker === COMMENT || marker === DNL;

/**
 * Walks the segments from SOI to EOI, past the entropy-coded data. What stands between segments is left out, as are
 * comments and applications' segments: libjpeg warns of what is odd in them, but no pixel depends on it.
 *
 * @throws NoticeError `image` where the segments are damaged.
 */
export function readMarkers(bytes: Uint8Array, name: string): JpegMarkers {
  const segments: JpegSegment[] = [];
  const colour: Colour = {};
  let frame: JpegFrame | undefined;
  let scans = 0;
  let at = 2;
  for (let count = 0; count < MAX_SEGMENTS; count++) {
    at = nextMarker(bytes, at);
    const marker = bytes[at];
    if (marker === EOI && frame && scans > 0)
      return { frame: { ...frame, transformed: isTransformed(frame, colour) }, segments, length: at + 1 };
    const length = marker === SOI || marker === EOI ? 0 : bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (marker === undefined || !(at + 1 + length <= bytes.length))
      throw new NoticeError(
        "image",
        `${name} is a cut JPEG: it ends after ${bytes.length} bytes, before its end marker.`,
      );
    if (marker === EOI) throw new NoticeError("image", `${name} is a JPEG without picture data.`);
    const content = bytes.subarray(at + 1, at + 1 + length);
    at += 1 + length;
    if (isFrame(marker)) {
      if (frame) throw new NoticeError("image", `${name} is a damaged JPEG: it has two frame headers.`);
      frame = readFrame(marker, content, bytes.length, name);
    }
    if (marker === SOS) {
      if (!frame || scans++ === MAX_SCANS)
        throw new NoticeError(
          "image",
          `${name} is a JPEG with ${frame ? `more than ${MAX_SCANS} scans` : "no frame header before its data"}.`,
        );
      const coded = bytes.subarray(at, nextMarker(bytes, at) - 1);
      segments.push(readScan(content, coded, frame, name));
    } else if (isAside(marker)) noteColour(colour, marker, content);
    else segments.push({ marker, content });
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

/** What applications' segments say of the colours. */
interface Colour {
  jfif?: boolean;
  transform?: number;
}

function noteColour(colour: Colour, marker: number, content: Uint8Array): void {
  const starts = (text: string) => [...text].every((char, i) => content[2 + i] === char.charCodeAt(0));
  if (marker === JFIF && content.length >= 16 && starts("JFIF\0")) colour.jfif = true;
  if (marker === ADOBE && content.length >= 14 && starts("Adobe")) colour.transform = content[13]!;
}

/** As libjpeg guesses (`default_decompress_parms`). */
function isTransformed({ components }: JpegFrame, { jfif, transform }: Colour): boolean {
  if (components.length === 4) return (transform ?? 0) !== 0;
  if (jfif) return true;
  return transform === undefined ? components.map(({ id }) => id).join() !== "82,71,66" : transform !== 0;
}

function readFrame(marker: number, frame: Uint8Array, stored: number, name: string): JpegFrame {
  const [, , precision, heightHigh, heightLow, widthHigh, widthLow, count] = frame;
  const sampling = Array.from({ length: count ?? 0 }, (_, i) => frame[9 + 3 * i]!);
  if (sampling.some((factors) => !factors || !(factors >> 4) || !(factors & 15)))
    throw new NoticeError("image", `${name} is a damaged JPEG: its frame header is cut or has a sampling factor of 0.`);
  if (precision !== 8 || ![0xc0, 0xc1, PROGRESSIVE].includes(marker) || ![1, 3, 4].includes(count!))
    throw new NoticeError(
      "image",
      `${name} is a JPEG of frame type 0x${marker.toString(16)} with ${count} components of ${precision} bits. ` +
        "Expected baseline or progressive, grey, RGB or CMYK, 8 bits: convert it.",
    );
  const [width, height] = [widthHigh! * 256 + widthLow!, heightHigh! * 256 + heightLow!];
  checkSize(width, height, name);
  const widest = Math.max(...sampling.map((factors) => factors >> 4));
  const highest = Math.max(...sampling.map((factors) => factors & 15));
  const units = Math.ceil(width / (8 * widest)) * Math.ceil(height / (8 * highest));
  const components = sampling.map((factors, i) => {
    const [across, down] = [factors >> 4, factors & 15];
    return { id: frame[8 + 3 * i]!, across, down, blocks: units * across * down };
  });
  // Every block that holds pixels takes at least one bit.
  const density = components.reduce((sum, { across, down }) => sum + across * down, 0) / (widest * highest);
  if (((width * height) / 64) * density > stored * 8)
    throw new NoticeError(
      "image",
      `${name} is a cut JPEG or a decompression bomb: ${stored} bytes cannot hold ${width} x ${height} pixels.`,
    );
  return { width, height, progressive: marker === PROGRESSIVE, components, transformed: true };
}

function readScan(header: Uint8Array, coded: Uint8Array, frame: JpegFrame, name: string): JpegSegment {
  const count = header[2] ?? 0;
  const left = [...frame.components];
  const components = Array.from({ length: count }, (_, i) => header[3 + 2 * i]).flatMap((wanted) => {
    const at = left.findIndex(({ id }) => id === wanted);
    return at < 0 ? [] : left.splice(at, 1);
  });
  const [first, last] = [header[3 + 2 * count]!, header[4 + 2 * count]!];
  const band = frame.progressive ? last - first + 1 : 64;
  if (header.length !== 6 + 2 * count || count === 0 || components.length < count || !(band > 0 && band <= 64))
    throw new NoticeError("image", `${name} is a damaged JPEG: a scan's header does not go with the frame's.`);
  const content = header.slice();
  // Only progressive scans have a choice.
  if (!frame.progressive) content.set([0, 63, 0], 3 + 2 * count);
  return { marker: SOS, content, scan: { components, band, coded } };
}
