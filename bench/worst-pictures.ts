import { deflateSync } from "node:zlib";
import { MAX_FILE_BYTES } from "../src/pictures/decode.js";
import { MAX_PIXELS, MAX_SIDE } from "../src/pictures/picture.js";
import { MAX_DEFLATED, MAX_INFLATED } from "../src/pictures/png.js";
import { inflatedLength } from "../src/pictures/png-rows.js";
import {
  type Chunk,
  deflated,
  END,
  header,
  jpeg,
  type MadeScan,
  png,
  pngOf,
  segment,
} from "../test/support/pictures.js";

const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE: Chunk = ["PLTE", new Uint8Array(768).fill(7)];
const idat = (content: Uint8Array): Chunk => ["IDAT", content];

/** Rows of one filter, as large as is decoded. */
function filtered(depth: number, colour: number, filter: number, interlace = 0): Uint8Array {
  const bits = depth * CHANNELS[colour]!;
  const side = Math.floor(Math.sqrt(Math.min(MAX_PIXELS, (MAX_INFLATED / bits) * 8))) - 16;
  return rows(side, side, depth, colour, filter, interlace);
}

function rows(width: number, height: number, depth: number, colour: number, filter: number, interlace = 0) {
  const bits = depth * CHANNELS[colour]!;
  const rowBytes = Math.ceil((width * bits) / 8) + 1;
  const length = inflatedLength({
    width,
    height,
    depth,
    colour,
    channels: CHANNELS[colour]!,
    interlaced: interlace > 0,
  });
  // Where every byte is 1, so is every row's filter.
  const data = interlace ? Buffer.alloc(length, filter) : Buffer.alloc(length, 1);
  if (!interlace) for (let at = 0; at < length; at += rowBytes) data[at] = filter;
  return png(header(width, height, depth, colour, interlace), PALETTE, idat(deflateSync(data, { level: 1 })), END);
}

function noise(length: number, levels = 256): Buffer {
  const data = Buffer.alloc(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] = ((state >>> 16) & 255) % levels;
  }
  return data;
}

/** A zlib stream of blocks that announce their own codes and hold a byte each, as many as fit. */
function announcements(bytes: number): Uint8Array {
  const stream = Buffer.alloc(bytes);
  stream.set([0x78, 0x9c]);
  let bit = 16;
  const put = (value: number, count: number) => {
    for (let i = 0; i < count; i++, bit++) if ((value >> i) & 1) stream[bit >> 3]! |= 1 << (bit & 7);
  };
  while (bit < (bytes - 32) * 8) {
    put(4, 3); // not the last, codes of its own
    put(14 << 10, 14);
    for (let i = 0; i < 18; i++) put(i === 2 || i === 17 ? 1 : 0, 3);
    put(0, 1);
    put(1 | (127 << 1), 8);
    put(1 | (106 << 1), 8);
    put(0, 2);
    put(2, 2); // a zero, and the block's end
  }
  return stream;
}

const pieces = (content: Uint8Array, size: number): Chunk[] =>
  Array.from({ length: Math.ceil(content.length / size) }, (_, i) => idat(content.subarray(i * size, (i + 1) * size)));

const all = [0, 1, 2];
const inks = [0, 1, 2, 3];
const dc = (blocks: number): MadeScan => ({ components: all, band: [0, 0], bytes: Math.ceil((blocks * 3) / 8) });
const square = (
  side: number,
  make: (blocks: number) => readonly MadeScan[],
  progressive = false,
  sampling?: number[],
) => jpeg({ width: side, height: side, progressive, sampling, scans: make((side / 8) ** 2) });
const dense = (blocks: number, component: number, bits = 0): MadeScan => ({
  components: [component], band: [1, 63], bits: [0, bits], symbol: 1, bytes: Math.ceil((blocks * 63 * 2) / 8),
}); // biome-ignore format: a row
const refined = (blocks: number, component: number, bits: number): MadeScan => ({
  components: [component], band: [1, 63], bits: [bits + 1, bits], symbol: 0xe0, bytes: Math.ceil((blocks * 63) / 8),
}); // biome-ignore format: a row
const empty = (component: number): MadeScan => ({
  components: [component], band: [1, 63], bits: [1, 0], symbol: 0xe0, bytes: 200,
}); // biome-ignore format: a row

/** The costliest files of each kind that we could think of, within the bounds where they have any, or just beyond. */
export const worst: Record<string, () => Uint8Array> = {
  ...Object.fromEntries(
    [[0, 1], [0, 2], [0, 4], [0, 8], [0, 16], [2, 8], [2, 16], [3, 1], [3, 2], [3, 4], [3, 8], [4, 8], [4, 16], [6, 8], [6, 16]]
      .flatMap(([colour, depth]) => [0, 1].map((interlace) => [
        `png colour ${colour}, ${depth} bits, Paeth${interlace ? ", interlaced" : ""}`,
        () => filtered(depth!, colour!, 4, interlace),
      ])),
  ), // biome-ignore format: rows
  "png RGB average": () => filtered(8, 2, 3),
  "png 1 pixel wide": () => rows(1, MAX_SIDE, 1, 0, 4),
  "png 1 x 60,000,000 of 1 bit": () => rows(1, 60_000_000, 1, 0, 0),
  "png 178,956,970 x 1": () => rows(178_956_970, 1, 1, 0, 0),
  "png 1024 x 65535": () => rows(1024, MAX_SIDE, 8, 0, 4),
  "png 13377 squared RGBA16, no data": () => png(header(13_377, 13_377, 16, 6), deflated(1_400_000_000), END),
  "png RGB noise": () => png(header(3340, 2000), idat(deflateSync(noise(2000 * (3340 * 3 + 1), 5), { level: 1 })), END),
  "png RGB noise, small codes": () => png(header(4000, 4000), idat(deflateSync(noise(4000 * 12001, 4), { level: 9, strategy: 2 })), END),
  "png announcing codes": () => png(header(1800, 1024), idat(announcements(MAX_DEFLATED)), END),
  "png announcing codes, inflating to nothing else": () => png(header(7000, 4700), idat(announcements(MAX_DEFLATED)), END),
  "png 270,000 IDAT chunks": () => pngOf([header(300, 300), ...pieces(deflateSync(noise(300 * 901, 5), { level: 0 }), 1), END]),
  "png 54,000 IDAT chunks": () => pngOf([header(300, 300), ...pieces(deflateSync(noise(300 * 901, 1), { level: 0 }), 5), END]),
  "png 5,000,000 empty chunks": () => pngOf([header(4, 4), ...Array<Chunk>(5_000_000).fill(["teXt", new Uint8Array()]), deflated(52), END]),
  "png bomb in IDAT": () => png(header(4, 4), deflated(1_000_000_000), END),
  "png bombs in zTXt, iTXt, iCCP": () => png(header(4, 4), ...["zTXt", "iTXt", "iCCP"].map((type): Chunk => [type, Buffer.concat([Buffer.from("k\0\0"), deflateSync(Buffer.alloc(500_000_000))])]), deflated(52), END),
  "png 64 MB chunk of text": () => png(header(4, 4), ["tEXt", new Uint8Array(MAX_FILE_BYTES - 200)], deflated(52), END),
  "jpeg baseline 444, zeros": () => square(8128, (blocks) => [{ components: all, bytes: (blocks * 3 * 2) / 8 }]),
  "jpeg baseline 444, dense": () => square(4800, (blocks) => [{ components: all, symbol: 1, bytes: (blocks * 3 * 127) / 8 }]),
  "jpeg baseline 420, dense": () => square(6784, (blocks) => [{ components: all, symbol: 1, bytes: (blocks * 1.5 * 127) / 8 }], false, [0x22, 0x11, 0x11]),
  "jpeg baseline grey": () => square(8184, (blocks) => [{ components: [0], bytes: (blocks * 2) / 8 }], false, [0x11]),
  "jpeg baseline 3 scans": () => square(5760, (blocks) => all.map((i) => ({ components: [i], bytes: (blocks * 2) / 8 }))),
  "jpeg progressive, DC only": () => square(5760, (blocks) => [dc(blocks)], true),
  "jpeg progressive grey, DC only": () => square(7200, (blocks) => [{ ...dc(blocks), components: [0] }], true, [0x11]),
  "jpeg progressive, 5 dense scans": () => square(3200, (blocks) => [dc(blocks), dense(blocks, 0, 2), dense(blocks, 1), dense(blocks, 2), refined(blocks, 0, 1), refined(blocks, 0, 0)], true),
  "jpeg progressive, 5 dense scans, larger": () => square(4800, (blocks) => [dc(blocks), dense(blocks, 0, 2), dense(blocks, 1), dense(blocks, 2), refined(blocks, 0, 1), refined(blocks, 0, 0)], true),
  "jpeg progressive, 28 empty scans": () => square(3840, (blocks) => [dc(blocks), ...Array.from({ length: 28 }, (_, i) => empty(i % 3))], true),
  "jpeg progressive, 99 empty scans": () => square(2400, (blocks) => [dc(blocks), ...Array.from({ length: 99 }, (_, i) => empty(i % 3))], true),
  "jpeg progressive, 99 DC scans": () => square(2800, (blocks) => Array.from({ length: 99 }, () => dc(blocks)), true),
  "jpeg CMYK, dense": () => square(2320, (blocks) => [{ components: inks, symbol: 1, bytes: (blocks * 4 * 127) / 8 }], false, [0x11, 0x11, 0x11, 0x11]),
  "jpeg CMYK, zeros": () => square(3648, (blocks) => [{ components: inks, bytes: (blocks * 4 * 2) / 8 }], false, [0x11, 0x11, 0x11, 0x11]),
  "jpeg CMYK progressive, DC only": () => square(2800, (blocks) => [{ ...dc(blocks), components: inks, bytes: Math.ceil(blocks / 2) }], true, [0x11, 0x11, 0x11, 0x11]),
  "jpeg CMYK, restarts": () => square(2320, (blocks) => [{ components: inks, symbol: 1, bytes: (blocks * 4 * 127) / 8 }], false, [0x22, 0x11, 0x11, 0x22]),
  "jpeg baseline 444, dense, padded": () => square(2400, (blocks) => [{ components: all, symbol: 1, bytes: (blocks * 3 * 127) / 8 + 100 }]),
  "jpeg baseline 444, zeros, padded": () => square(5200, (blocks) => [{ components: all, bytes: (blocks * 3 * 2) / 8 + 100 }]),
  "jpeg baseline 444, cut early": () => square(3200, (blocks) => [{ components: all, symbol: 1, bytes: (blocks * 3 * 127) / 8 - 100 }]),
  "jpeg 16,000,000 empty comments": () => jpeg({ width: 8, height: 8, segments: Array(16_000_000).fill(segment(0xfe)), scans: [{ components: all, bytes: 9 }] }),
  "jpeg 3,000,000 code tables": () => jpeg({ width: 8, height: 8, segments: Array(3_000_000).fill(segment(0xc4, 0, 1, ...Array(15).fill(0), 0)), scans: [{ components: all, bytes: 9 }] }),
  "jpeg 64 MB of FF 00": () => { const bytes = jpeg({ width: 8, height: 8, scans: [{ components: all, bytes: MAX_FILE_BYTES - 400 }] }); for (let i = 400; i < bytes.length - 2; i += 2) bytes[i] = 0xff; return bytes; },
  "jpeg 36 MB of FF D0": () => { const bytes = jpeg({ width: 64, height: 64, scans: [{ components: all, bytes: 36_000_000 }] }); for (let i = 400; i < bytes.length - 2; i += 2) bytes.set([0xff, 0xd0 + ((i >> 1) & 7)], i); bytes.set([0xff, 0xd9], bytes.length - 2); return bytes; },
}; // biome-ignore format: a case a row
