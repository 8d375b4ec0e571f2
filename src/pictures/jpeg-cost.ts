import { NoticeError } from "../base/errors.js";
import type { JpegMarkers } from "./jpeg-markers.js";

/** The most memory of a decoder, bytes: the file, what of it is decoded, and copies of both. */
const MAX_MEMORY = 384 * 1024 * 1024;

/** The most steps of a decoder, each about a nanosecond. */
const MAX_STEPS = 1 << 30;

/** What it takes to read a byte of Huffman codes in JavaScript, and to write it. */
const STEPS_OF_RECODING = 100;

export interface JpegCost {
  readonly steps: number;
  /** Bytes. */
  readonly memory: number;
}

/**
 * What decoding costs, as measured of libjpeg-turbo compiled to WebAssembly: upper bounds over pictures made to be
 * slow.
 *
 * @throws NoticeError `image` where that is too much.
 */
export function checkCost({ frame, segments, length }: JpegMarkers, name: string): JpegCost {
  const { width, height, progressive, components } = frame;
  const scans = segments.flatMap(({ scan }) => scan ?? []);
  const samples = 64 * components.reduce((sum, { blocks }) => sum + blocks, 0);
  // All coefficients are kept until the last scan has been read.
  const kept = progressive || scans.length > 1 || scans[0]!.components.length < components.length;
  const passes = scans.reduce((sum, scan) => sum + blocksOf(scan.components) * (24 + scan.band), 0);
  const coded = codedBytes(segments);
  const inks = components.length === 4;
  const once = samples * (kept ? 6 : 3) + passes + coded * 28;
  // CMYK is decoded in two halves, three of the four components each.
  const steps = inks ? once * 2 + width * height * 8 + coded * STEPS_OF_RECODING : once;
  // Decoded, copied, and three times as RGB where it is grey.
  const pixels = { 1: 5, 3: 6, 4: 9 }[components.length]!;
  const memory = (inks ? 6 : 2) * length + width * height * pixels + (kept ? 2 * samples : 0);
  if (steps > MAX_STEPS || memory > MAX_MEMORY)
    throw new NoticeError(
      "image",
      `${name} is a JPEG of ${width} x ${height} pixels, ${scans.length} scans and ${coded} bytes of data, which takes ` +
        `about ${steps} steps and ${memory} bytes to decode; at most ${MAX_STEPS} and ${MAX_MEMORY} are taken. ` +
        "Scale the picture down, or save it as baseline JPEG.",
    );
  return { steps, memory };
}

/** Whether the codes may be read once more, and what is left of them decoded. */
export function affordsRecoding({ segments, length }: JpegMarkers, { steps, memory }: JpegCost): boolean {
  return 2 * steps + codedBytes(segments) * STEPS_OF_RECODING <= MAX_STEPS && memory + 3 * length <= MAX_MEMORY;
}

const codedBytes = (segments: JpegMarkers["segments"]) =>
  segments.reduce((sum, { scan }) => sum + (scan?.coded.length ?? 0), 0);

const blocksOf = (components: readonly { readonly blocks: number }[]) =>
  components.reduce((sum, { blocks }) => sum + blocks, 0);
