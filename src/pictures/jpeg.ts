import type { Codec, JPEGDecoder } from "@cornerstonejs/codec-libjpeg-turbo-8bit/decode";
import { NoticeError } from "../base/errors.js";
import { loadJpegCodec } from "../platform/platform.js";
import { WrongCodes } from "./jpeg-codes.js";
import { affordsRecoding, checkCost, type JpegCost } from "./jpeg-cost.js";
import { cmykToRgb, halves } from "./jpeg-inks.js";
import { type JpegMarkers, type JpegSegment, readMarkers } from "./jpeg-markers.js";
import { recode } from "./jpeg-recode.js";
import type { Picture } from "./picture.js";

/** The codec's memory never shrinks, so that it is not kept after a picture that took more bytes. */
const KEPT_MEMORY = 100e6;

/** Gives [height, width, 1 or 3]. Throws a number at damage, and at anything else of which libjpeg warns. */
type Decode = (segments: readonly JpegSegment[], transformed: boolean) => Uint8ClampedArray;

/**
 * A JPEG's picture as RGB, decoded by libjpeg-turbo, so that every value is that of Pillow (which is built on the same
 * library: accurate integer IDCT, smooth chroma upsampling). The codec is loaded with the first JPEG.
 *
 * @throws NoticeError `image`
 */
export async function decodeJpeg(bytes: Uint8Array, name: string): Promise<Picture> {
  const file = readMarkers(bytes, name);
  const cost = checkCost(file, name);
  const { width, height, components } = file.frame;
  codec ??= loadJpegCodec();
  const { JPEGDecoder } = await codec;
  const decode: Decode = (segments, transformed) => decodeSegments(new JPEGDecoder(), segments, transformed);
  try {
    if (components.length === 4) return { width, height, data: decodeInks(file, decode, name) };
    const pixels = decodeSound(file, cost, decode);
    return { width, height, data: components.length === 1 ? greyToRgb(pixels) : new Uint8Array(pixels.buffer) };
  } catch (cause) {
    if (cause instanceof NoticeError) throw cause;
    if (typeof cause === "number" || cause instanceof WrongCodes)
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
  } finally {
    if (cost.memory > KEPT_MEMORY) codec = undefined;
  }
}

let codec: Promise<Codec> | undefined;

function decodeSound(file: JpegMarkers, cost: JpegCost, decode: Decode): Uint8ClampedArray {
  const { components, transformed } = file.frame;
  try {
    return decode(file.segments, transformed);
  } catch (cause) {
    if (typeof cause !== "number" || !affordsRecoding(file, cost)) throw cause;
    // Bytes behind the codes, which are no damage, are left out. What is wrong with the codes themselves stays.
    return decode(recode(file, [components])[0]!, transformed);
  }
}

/** TurboJPEG gives no more than three components: decodes the file twice, without the fourth and without the first. */
function decodeInks(file: JpegMarkers, decode: Decode, name: string): Uint8Array {
  const [colours, blacks] = halves(file, name);
  const data = new Uint8Array(decode(colours, file.frame.transformed).buffer);
  return cmykToRgb(data, decode(blacks, false), file.frame.transformed);
}

function decodeSegments(decoder: JPEGDecoder, segments: readonly JpegSegment[], transformed: boolean) {
  try {
    const parts = [
      Uint8Array.of(0xff, 0xd8, ...adobe(transformed)),
      ...segments.flatMap(partsOf),
      Uint8Array.of(0xff, 0xd9),
    ];
    const encoded = decoder.getEncodedBuffer(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      encoded.set(part, at);
      at += part.length;
    }
    decoder.decode();
    return decoder.getDecodedBuffer();
  } finally {
    decoder.delete();
  }
}

/** The segment by which libjpeg knows colours, and does not guess. */
const adobe = (transformed: boolean) => [
  0xff,
  0xee,
  0,
  14,
  ...[..."Adobe"].map((char) => char.charCodeAt(0)),
  0,
  100,
  0,
  0,
  0,
  0,
  transformed ? 1 : 0,
];

const partsOf = ({ marker, content, scan }: JpegSegment) => [
  Uint8Array.of(0xff, marker),
  content,
  ...(scan ? [scan.coded] : []),
];

function greyToRgb(grey: Uint8ClampedArray): Uint8Array {
  const data = new Uint8Array(grey.length * 3);
  for (let from = 0, to = 0; from < grey.length; from++, to += 3) data[to] = data[to + 1] = data[to + 2] = grey[from]!;
  return data;
}
