import { deflateSync } from "node:zlib";
import { MAX_FILE_BYTES } from "../src/pictures/decode.js";
import { MAX_CODED } from "../src/pictures/gif.js";
import { MAX_PIXELS, MAX_SIDE } from "../src/pictures/picture.js";
import { MAX_DEFLATED, MAX_INFLATED } from "../src/pictures/png.js";
import { inflatedLength } from "../src/pictures/png-rows.js";
import { MAX_WEBP_DATA } from "../src/pictures/webp.js";
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

/** A GIF of one frame, without a palette, of 8-bit indices where `bits` is 8. */
function gif(width: number, height: number, coded: Uint8Array, flags = 0, bits = 2): Uint8Array {
  const head = Buffer.from("GIF89a\0\0\0\0\0\0\0,\0\0\0\0\0\0\0\0\0\0", "latin1");
  for (const at of [6, 18]) {
    head.writeUInt16LE(width, at);
    head.writeUInt16LE(height, at + 2);
  }
  head[22] = flags;
  head[23] = bits;
  const blocks = Array.from({ length: Math.ceil(coded.length / 255) }, (_, i) => {
    const block = coded.subarray(i * 255, (i + 1) * 255);
    return Buffer.concat([Uint8Array.of(block.length), block]);
  });
  return Buffer.concat([head, ...blocks, Uint8Array.of(0)]);
}

/** LZW codes of so many zeros, each string one longer than the last. */
function runs(count: number): Uint8Array {
  const out = new BitWriter(count);
  let size = 3;
  for (let next = 6, length = 1, done = 0; done < count; next++) {
    out.put(length === 1 ? 0 : Math.min(next - 1, 4095), size);
    done += length;
    if (next < 4096) length++;
    if (next === 1 << size && size < 12) size++;
  }
  return out.bytes();
}

function bmp(width: number, height: number, bits: number, data: Uint8Array, compression = 0): Uint8Array {
  const head = Buffer.alloc(bits > 8 ? 54 : 54 + 4 * 2 ** bits, 7);
  head.write("BM");
  head.writeUInt32LE(head.length, 10);
  for (const [i, value] of [40, width, height, 1 | (bits << 16), compression, 0, 0, 0, 0].entries())
    head.writeUInt32LE(value, 14 + 4 * i);
  return Buffer.concat([head, data]);
}

/** Bits from the lowest on. */
class BitWriter {
  #bytes = Buffer.alloc(1 << 20);
  #bit = 0;
  constructor(private readonly most: number) {}
  put(value: number, count: number): void {
    if (this.#bit + 40 > this.#bytes.length * 8)
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    for (let i = 0; i < count; i++, this.#bit++)
      if ((value >> i) & 1) this.#bytes[this.#bit >> 3]! |= 1 << (this.#bit & 7);
  }
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, Math.min(Math.ceil(this.#bit / 8), Math.max(this.most, 100)));
  }
}

function webp([type, content]: readonly [type: string, content: Uint8Array]): Uint8Array {
  const head = Buffer.from(`RIFF\0\0\0\0WEBP${type}\0\0\0\0`, "latin1");
  const even = content.length % 2 ? Buffer.concat([content, Uint8Array.of(0)]) : content;
  head.writeUInt32LE(even.length + 12, 4);
  head.writeUInt32LE(content.length, 16);
  return Buffer.concat([head, even]);
}

/** A VP8L picture: of one colour, of a bit a pixel, of many bits a pixel, or with codes of their own for each block. */
function losslessOf(width: number, height: number, kind: "one" | "bits" | "noise" | "groups"): [string, Uint8Array] {
  const out = new BitWriter(MAX_WEBP_DATA);
  const one = (value: number) => {
    out.put(1, 2); // a simple code of one symbol
    out.put(1, 1);
    out.put(value, 8);
  };
  const two = () => {
    out.put(0b11, 2); // a simple code of two symbols, 0 and 255
    out.put(1, 1);
    out.put(0, 8);
    out.put(255, 8);
  };
  const codes = (some: boolean) => {
    for (let i = 0; i < 4; i++) some ? two() : one(0);
    one(0);
  };
  out.put(0x2f, 8);
  out.put(width - 1, 14);
  out.put(height - 1, 14);
  out.put(0, 4); // no alpha, version 0
  out.put(0, 1); // no transform
  out.put(0, 1); // no colour cache
  out.put(kind === "groups" ? 1 : 0, 1);
  if (kind === "groups") {
    out.put(2, 3); // a group for each block of 16 x 16
    out.put(0, 1);
    // Red and green make the group's number: 8 bits each, codes of all 256 symbols with 8 bits.
    for (let table = 0; table < 5; table++) {
      if (table > 1) {
        one(0);
        continue;
      }
      out.put(0, 1);
      out.put(15, 4); // 19 code lengths, in the order 17, 18, 0, 1 … 8 …
      for (const symbol of [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        out.put(symbol === 8 || symbol === 0 ? 1 : 0, 3);
      out.put(0, 1);
      for (let i = 0; i < (table === 0 ? 280 : 256); i++) out.put(i < 256 ? 1 : 0, 1);
    }
    for (let group = 0; group < 65_536; group++) {
      out.put(reversed(group & 255), 8);
      out.put(reversed(group >> 8), 8);
    }
    for (let group = 0; group < 65_536; group++) codes(false);
    return ["VP8L", Buffer.concat([out.bytes(), Buffer.alloc(1 << 20)])];
  }
  codes(kind !== "one");
  const data = noise(kind === "one" ? 100 : Math.min(MAX_WEBP_DATA - 100, Math.ceil((width * height) / 2) + 100));
  return ["VP8L", Buffer.concat([out.bytes(), kind === "bits" ? Buffer.alloc(data.length) : data])];
}

const reversed = (byte: number) => Number.parseInt(byte.toString(2).padStart(8, "0").split("").reverse().join(""), 2);

/** A VP8 picture whose partitions are zeros or noise. */
function lossyOf(width: number, height: number, levels: 0 | 1): [string, Uint8Array] {
  const first = 500_000;
  const tag = (first << 5) | 0x10;
  const head = Uint8Array.of(
    tag & 255,
    (tag >> 8) & 255,
    tag >> 16,
    0x9d,
    1,
    0x2a,
    width & 255,
    width >> 8,
    height & 255,
    height >> 8,
  );
  const data = levels ? noise(MAX_WEBP_DATA - 100) : Buffer.alloc(MAX_WEBP_DATA - 100);
  data.fill(0, 0, 40);
  return ["VP8 ", Buffer.concat([head, data])];
}

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
  "gif 8192 squared, zeros": () => gif(8192, 8192, runs(8192 * 8192)),
  "gif 8192 squared, interlaced": () => gif(8192, 8192, runs(8192 * 8192), 0x40),
  "gif 16 MB of cleared codes": () => gif(4000, 4000, new Uint8Array(MAX_CODED - 70_000).fill(0b100_100)),
  "gif 16 MB of single codes": () => gif(6000, 6000, new Uint8Array(MAX_CODED - 70_000)),
  "gif 64 MB of extensions": () => Buffer.concat([Buffer.from("GIF89a\x04\0\x04\0\0\0\0", "latin1"), new Uint8Array(MAX_FILE_BYTES - 100).fill(0x21)]),
  "gif a screen of 65535 squared": () => gif(MAX_SIDE, MAX_SIDE, runs(100)),
  "bmp 8192 squared, 1 bit": () => bmp(8192, 8192, 1, new Uint8Array(8192 * 1024)),
  "bmp 8192 squared, runs": () => bmp(8192, 8192, 8, new Uint8Array(2 * 34 * 8192).map((_, i) => (i % 68 > 65 ? 0 : i % 2 ? 7 : 255)), 1),
  "bmp 64 MB of empty rows": () => bmp(1, MAX_SIDE, 8, new Uint8Array(MAX_FILE_BYTES - 2000), 1),
  "bmp 4729 squared, 24 bits": () => bmp(4729, 4729, 24, new Uint8Array(14188 * 4729)),
  "bmp 4095 squared, 32 bits": () => bmp(4095, 4095, 32, new Uint8Array(4095 * 4095 * 4)),
  "bmp 65535 squared": () => bmp(MAX_SIDE, MAX_SIDE, 24, new Uint8Array(100)),
  "webp lossless, 24 million pixels of one colour": () => webp(losslessOf(4898, 4898, "one")),
  "webp lossless, 24 million pixels, 1 bit each": () => webp(losslessOf(4898, 4898, "bits")),
  "webp lossless, 16 MB of single codes": () => webp(losslessOf(4000, 4000, "noise")),
  "webp lossless, 65,536 groups of codes": () => webp(losslessOf(4096, 4096, "groups")),
  "webp 16383 squared": () => webp(losslessOf(16_383, 16_383, "one")),
  "webp lossy, 24 million pixels of zeros": () => webp(lossyOf(4896, 4896, 0)),
  "webp lossy, 24 million pixels of noise": () => webp(lossyOf(4896, 4896, 1)),
  "webp 2,000,000 chunks": () => Buffer.concat([Buffer.from("RIFF\xff\xff\xff\x03WEBP", "latin1"), new Uint8Array(2_000_000 * 8)]),
  "jpeg 16,000,000 empty comments": () => jpeg({ width: 8, height: 8, segments: Array(16_000_000).fill(segment(0xfe)), scans: [{ components: all, bytes: 9 }] }),
  "jpeg 3,000,000 code tables": () => jpeg({ width: 8, height: 8, segments: Array(3_000_000).fill(segment(0xc4, 0, 1, ...Array(15).fill(0), 0)), scans: [{ components: all, bytes: 9 }] }),
  "jpeg 64 MB of FF 00": () => { const bytes = jpeg({ width: 8, height: 8, scans: [{ components: all, bytes: MAX_FILE_BYTES - 400 }] }); for (let i = 400; i < bytes.length - 2; i += 2) bytes[i] = 0xff; return bytes; },
  "jpeg 36 MB of FF D0": () => { const bytes = jpeg({ width: 64, height: 64, scans: [{ components: all, bytes: 36_000_000 }] }); for (let i = 400; i < bytes.length - 2; i += 2) bytes.set([0xff, 0xd0 + ((i >> 1) & 7)], i); bytes.set([0xff, 0xd9], bytes.length - 2); return bytes; },
}; // biome-ignore format: a case a row
