import type { Codec } from "@cornerstonejs/codec-libjpeg-turbo-8bit/decode";
import { NoticeError } from "../errors.js";
import { loadJpegCodec } from "../platform.js";
import { checkSize, type Picture } from "./picture.js";

/** A picture needs about ten; each costs a pass over all blocks, so a file with thousands would be a time bomb. */
const MAX_SCANS = 100;

/** The codec's memory never shrinks, so that it is not kept after a picture of more pixels (about 100 MB of memory). */
const KEPT_PIXELS = 1 << 24;

/**
 * A JPEG's picture as RGB, decoded by libjpeg-turbo, so that every value is that of Pillow (which is built on the same
 * library: accurate integer IDCT, smooth chroma upsampling). The codec is loaded with the first JPEG.
 *
 * @throws NoticeError `image`
 */
export async function decodeJpeg(bytes: Uint8Array, name: string): Promise<Picture> {
  const { width, height } = readMarkers(bytes, name);
  codec ??= loadJpegCodec();
  const { JPEGDecoder } = await codec;
  try {
    const decoder = new JPEGDecoder();
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes);
      decoder.decode();
      const { componentCount } = decoder.getFrameInfo();
      const decoded = decoder.getDecodedBuffer();
      return { width, height, data: componentCount === 1 ? greyToRgb(decoded) : new Uint8Array(decoded.buffer) };
    } finally {
      decoder.delete();
      if (width * height > KEPT_PIXELS) codec = undefined;
    }
  } catch (cause) {
    if (typeof cause === "number")
      throw new NoticeError(
        "image",
        `${name} is a damaged JPEG: libjpeg-turbo finds wrong or missing data in it. Take a sound copy of the picture; ` +
          "a program that shows it all the same makes the missing part up.",
      );
    // Not the codec's own refusal, so its memory is exhausted or in an unknown state: the next picture gets a new one.
    codec = undefined;
    throw new NoticeError("image", `${name} (${width} x ${height} pixels) is too large for the JPEG decoder.`, {
      cause,
    });
  }
}

let codec: Promise<Codec> | undefined;

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Walks the segments from SOI to EOI, past the entropy-coded data, and returns the size that the frame header claims. */
function readMarkers(bytes: Uint8Array, name: string): { width: number; height: number } {
  let size: { width: number; height: number } | undefined;
  let scans = 0;
  for (let at = 2; ; ) {
    // Fill bytes and coded data up to the next marker; FF 00 is a coded FF.
    do at = bytes.indexOf(0xff, at) + 1;
    while (at > 0 && (bytes[at] === 0xff || bytes[at] === 0 || isRestart(bytes[at]!)));
    const marker = at > 0 ? bytes[at] : undefined;
    if (marker === EOI && scans > 0) return size!;
    const length = marker === SOI || marker === EOI ? 0 : bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (marker === undefined || !(at + 1 + length <= bytes.length))
      throw new NoticeError(
        "image",
        `${name} is a cut JPEG: it ends after ${bytes.length} bytes, before its end marker.`,
      );
    if (isFrame(marker)) {
      if (size) throw new NoticeError("image", `${name} is a damaged JPEG: it has two frame headers.`);
      size = readFrame(marker, bytes.subarray(at + 1, at + 1 + length), bytes.length, name);
    }
    if (marker === SOS && (!size || ++scans > MAX_SCANS))
      throw new NoticeError(
        "image",
        `${name} is a JPEG with ${size ? `more than ${MAX_SCANS} scans` : "no frame header before its data"}.`,
      );
    if (marker === EOI) throw new NoticeError("image", `${name} is a JPEG without picture data.`);
    at += 1 + length;
  }
}

function readFrame(marker: number, frame: Uint8Array, stored: number, name: string) {
  const [, , precision, heightHigh, heightLow, widthHigh, widthLow, components] = frame;
  const sampling = Array.from({ length: components ?? 0 }, (_, i) => frame[9 + 3 * i]!);
  if (sampling.some((factors) => !factors || !(factors >> 4) || !(factors & 15)))
    throw new NoticeError("image", `${name} is a damaged JPEG: its frame header is cut or has a sampling factor of 0.`);
  if (components === 4)
    throw new NoticeError("image", `${name} is a CMYK JPEG. Convert it to RGB first; the result depends on its inks.`);
  if (precision !== 8 || ![0xc0, 0xc1, 0xc2].includes(marker) || (components !== 1 && components !== 3))
    throw new NoticeError(
      "image",
      `${name} is a JPEG of frame type 0x${marker.toString(16)} with ${components} components of ${precision} bits. ` +
        "Expected baseline or progressive, grey or RGB, 8 bits: convert it.",
    );
  const [width, height] = [widthHigh! * 256 + widthLow!, heightHigh! * 256 + heightLow!];
  checkSize(width, height, name);
  // Every block of 8 x 8 samples takes at least one bit.
  const widest = Math.max(...sampling.map((factors) => factors >> 4));
  const highest = Math.max(...sampling.map((factors) => factors & 15));
  const density = sampling.reduce((sum, factors) => sum + (factors >> 4) * (factors & 15), 0) / (widest * highest);
  if (((width * height) / 64) * density > stored * 8)
    throw new NoticeError(
      "image",
      `${name} is a cut JPEG or a decompression bomb: ${stored} bytes cannot hold ${width} x ${height} pixels.`,
    );
  return { width, height };
}

function greyToRgb(grey: Uint8ClampedArray): Uint8Array {
  const data = new Uint8Array(grey.length * 3);
  for (let from = 0, to = 0; from < grey.length; from++, to += 3) data.fill(grey[from]!, to, to + 3);
  return data;
}
