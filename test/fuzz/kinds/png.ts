import { deflateSync, inflateSync } from "node:zlib";
import type { Random } from "../../../src/base/random.js";
import { type Chunk, pngOf } from "../../support/pictures.js";
import { joined, mutateBytes, whole } from "../mutate.js";

const SIDES = [0, 1, 2, 7, 33, 255, 4000, 13_377, 20_000, 65_535, 60_000_000, 178_956_970, 2 ** 31 - 1, 2 ** 32 - 1];
const NAMES = ["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "iCCP", "tEXt", "zTXt", "eXIf", "acTL", "fdAT", "XxxX"];
/** Samples a pixel, by colour type. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];
/** What a made-up picture's rows take at most. */
const MOST = 1 << 24;

export function chunksOf(file: Uint8Array): Chunk[] {
  const bytes = Buffer.from(file);
  const chunks: Chunk[] = [];
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12)
    chunks.push([bytes.toString("latin1", at + 4, at + 8), bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at))]);
  return chunks;
}

/** A sound file with some of its chunks changed and all checksums right. */
export function mutatePng(choose: Random, file: Uint8Array): Uint8Array {
  const chunks = chunksOf(file);
  for (let round = whole(choose, 1, 3); round > 0; round--) {
    const at = whole(choose, 0, chunks.length);
    choose.pick(CHANGES)(choose, chunks, at);
    if (chunks.length === 0) break;
  }
  return pngOf(chunks);
}

type Change = (choose: Random, chunks: Chunk[], at: number) => unknown;

const CHANGES: readonly Change[] = [
  (choose, chunks, at) => chunks.splice(at, 1, [chunks[at]![0], mutateBytes(choose, chunks[at]![1])]),
  (choose, chunks, at) => chunks.splice(at, 1, [choose.pick(NAMES), chunks[at]![1]]),
  (_, chunks, at) => chunks.splice(at, 1),
  (_, chunks, at) => chunks.splice(at, 0, chunks[at]!),
  (choose, chunks, at) => chunks.splice(whole(choose, 0, chunks.length), 0, ...chunks.splice(at, 1)),
  (choose, chunks, at) =>
    chunks.splice(at, 0, [choose.pick(NAMES), new Uint8Array(choose.pick([0, 1, 4, 13, 768, 5000]))]),
  changeHeader,
  changeHeader,
  changeRows,
  changeRows,
  splitData,
];

/** Width, height, depth, colour, compression, filter, interlace: one of them. */
function changeHeader(choose: Random, chunks: Chunk[]): void {
  const at = chunks.findIndex(([type]) => type === "IHDR");
  if (at < 0 || chunks[at]![1].length < 13) return;
  const data = Buffer.from(chunks[at]![1]);
  const field = whole(choose, 0, 7);
  if (field < 2) data.writeUInt32BE(choose.pick(SIDES), 4 * field);
  else data[field + 6] = choose.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 255]);
  chunks[at] = ["IHDR", data];
}

/** The rows as they are before compression: filters, values, their number. */
function changeRows(choose: Random, chunks: Chunk[]): void {
  const found = chunks.filter(([type]) => type === "IDAT").map(([, data]) => data);
  const at = chunks.findIndex(([type]) => type === "IDAT");
  let rows: Uint8Array;
  try {
    rows = inflateSync(joined(...found), { maxOutputLength: MOST });
  } catch {
    return;
  }
  const level = choose.pick([0, 1, 9]);
  chunks.splice(at, 1, ["IDAT", deflateSync(mutateBytes(choose, rows), { level })]);
}

/** The data in many chunks, most of them empty. */
function splitData(choose: Random, chunks: Chunk[]): void {
  const at = chunks.findIndex(([type]) => type === "IDAT");
  if (at < 0) return;
  const data = chunks[at]![1];
  const many = choose.chance(0.02) ? 130_000 : whole(choose, 2, 60);
  const parts = Array.from(
    { length: many },
    (_, i): Chunk => ["IDAT", data.subarray(i, i + 1 === many ? undefined : i + 1)],
  );
  const after = chunks.splice(at);
  // More than a call takes as arguments.
  for (const part of [...parts, ...after.slice(1)]) chunks.push(part);
}

/** A picture of any size and kind whose rows are all there, or nearly: its cost is in its numbers. */
export function madePng(choose: Random): Uint8Array {
  const [width, height] = [choose.pick(SIDES), choose.pick(SIDES)];
  const [depth, colour] = [choose.pick([1, 2, 4, 8, 16]), choose.pick([0, 2, 3, 4, 6])];
  const interlace = choose.chance(0.2) ? 1 : 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  const rows = (Math.ceil((width * depth * SAMPLES[colour]!) / 8) + 1) * height;
  // Zeros: a thousandth of the rows. Dear, so most have few.
  const size = Math.min(rows, choose.chance(0.03) ? MOST : 100_000) + choose.pick([0, 0, 0, -1, 1]);
  const palette: Chunk[] = colour === 3 ? [["PLTE", new Uint8Array(3 * choose.pick([1, 2, 16, 256]))]] : [];
  const data = deflateSync(Buffer.alloc(Math.max(0, size)), { level: 1 });
  return pngOf([["IHDR", header], ...palette, ["IDAT", data], ["IEND", new Uint8Array()]]);
}
