import { NoticeError } from "../base/errors.js";
import { inflate } from "../platform/platform.js";
import type { Picture } from "./picture.js";
import { GREY, type PngChunks, type PngHeader, readChunks } from "./png-chunks.js";
import { inflatedLength, type Pass, RowReader } from "./png-rows.js";

/** The most bytes of rows that are inflated: 33 million pixels of 8-bit RGB. */
export const MAX_INFLATED = 96 * 1024 * 1024;

/**
 * The most bytes of IDAT chunks. Inflating takes up to 0.1 s a MB, where the data is little but announcements of codes.
 */
export const MAX_DEFLATED = 16 * 1024 * 1024;

// Deflate cannot do better than 1032 : 1 (zlib's technical details).
const MAX_DEFLATE_RATIO = 1032;

/**
 * A PNG's picture as RGB. What decoding will cost is known from its chunks' lengths and its header, and is bounded
 * before; the data is then inflated in pieces and each row put in its place. Only chunks that make pixels are read.
 *
 * @throws NoticeError `image`
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Picture> {
  const chunks = readChunks(bytes, name);
  const { width, height } = chunks.header;
  const expected = inflatedLength(chunks.header);
  checkCost(chunks, expected, name);
  const size = `${width} x ${height} pixels need ${expected} bytes of data`;
  let found = 0;
  const picture = { width, height, data: new Uint8Array(width * height * 3) };
  const rows = new RowReader(chunks.header, rowWriter(chunks, picture));
  let cause: unknown;
  try {
    for await (const part of inflate(chunks.data)) {
      rows.read(part);
      found += part.length;
      if (found > expected) break;
    }
  } catch (error) {
    cause = error;
  }
  // Bytes behind the end of the zlib stream are an error to some runtimes and not to others; only pixels count.
  if (found === expected) return picture;
  throw new NoticeError(
    "image",
    found > expected
      ? `${name} is a damaged PNG or a decompression bomb: ${size}, and it inflates to more.`
      : `${name} is a damaged PNG: ${size}, and ${found} of them can be read.`,
    { cause },
  );
}

function checkCost({ header, data }: PngChunks, expected: number, name: string): void {
  const { width, height } = header;
  if (expected > MAX_INFLATED || data.length > MAX_DEFLATED)
    throw new NoticeError(
      "image",
      `${name} is a PNG of ${width} x ${height} pixels that has ${data.length} bytes of data, ${expected} when inflated; at most ` +
        `${MAX_DEFLATED} and ${MAX_INFLATED} are decoded. Scale the picture down, or save it with 8 bits or as a JPEG.`,
    );
  if (data.length * MAX_DEFLATE_RATIO < expected)
    throw new NoticeError(
      "image",
      `${name} is a cut PNG or a decompression bomb: ${width} x ${height} pixels need ${expected} bytes of data, and it ` +
        `holds ${data.length}.`,
    );
}

/** Puts rows where they belong in the picture, in Pillow's 8 bits. */
function rowWriter({ header, palette }: PngChunks, { width, data }: Picture) {
  const { channels } = header;
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const levels = levelsOf(header);
  return (row: Uint8Array, { x, y, dx, dy, columns }: Pass, index: number) => {
    const samples = levels(row, columns * channels);
    let to = ((y + index * dy) * width + x) * 3;
    for (let from = 0; from < columns * channels; from += channels, to += 3 * dx)
      if (palette) {
        const colour = samples[from]! * 3;
        data[to] = palette[colour]!;
        data[to + 1] = palette[colour + 1]!;
        data[to + 2] = palette[colour + 2]!;
      } else {
        data[to] = samples[from]!;
        data[to + 1] = samples[from + green]!;
        data[to + 2] = samples[from + blue]!;
      }
  };
}

/** What makes samples of 8 bits of a row's first `count`. */
function levelsOf({ width, depth, channels, colour }: PngHeader): (row: Uint8Array, count: number) => Uint8Array {
  if (depth === 8) return (row) => row;
  const samples = new Uint8Array(width * channels);
  if (depth === 16) {
    // Pillow reads 16-bit grey as mode "I;16" and clips it; other 16-bit samples lose their lower byte.
    const clipped = colour === GREY;
    return (row, count) => {
      for (let i = 0; i < count; i++) samples[i] = !clipped ? row[2 * i]! : row[2 * i]! > 0 ? 255 : row[2 * i + 1]!;
      return samples;
    };
  }
  const most = 2 ** depth - 1;
  const factor = colour === GREY ? 255 / most : 1;
  return (row, count) => {
    for (let i = 0, bit = 0; i < count; i++, bit += depth)
      samples[i] = ((row[bit >> 3]! >> (8 - depth - (bit & 7))) & most) * factor;
    return samples;
  };
}
