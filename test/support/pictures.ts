import { deflateSync } from "node:zlib";

export type Chunk = readonly [type: string, content: Uint8Array];

export const END: Chunk = ["IEND", new Uint8Array()];

/** A PNG of these chunks, with right checksums. */
export const png = (...chunks: readonly Chunk[]): Uint8Array => pngOf(chunks);

/** As `png`, of any number. */
export function pngOf(chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.map(([type, data]) => {
    const part = Buffer.alloc(data.length + 12);
    part.writeUInt32BE(data.length);
    part.write(type, 4, "latin1");
    part.set(data, 8);
    part.writeUInt32BE(crc(part.subarray(4, -4)), data.length + 8);
    return part;
  });
  return new Uint8Array(Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]));
}

export function header(width: number, height: number, depth = 8, colour = 2, interlace = 0): Chunk {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set([depth, colour, 0, 0, interlace], 8);
  return ["IHDR", data];
}

/** An IDAT chunk of zeros. */
export const deflated = (size: number): Chunk => ["IDAT", deflateSync(Buffer.alloc(size), { level: 9 })];

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

export function crc(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** One scan of a made-up JPEG: the code 0 stands for `symbol`, and for category 0 in DC tables. */
export interface MadeScan {
  /** Indices of components. */
  readonly components: readonly number[];
  /** First and last coefficient. */
  readonly band?: readonly [number, number];
  /** Bits left out before and in this scan, `Ah` and `Al`. */
  readonly bits?: readonly [number, number];
  readonly symbol?: number;
  /** Zero bytes of coded data. */
  readonly bytes: number;
}

export interface MadeJpeg {
  readonly width: number;
  readonly height: number;
  readonly progressive?: boolean;
  /** Sampling factors of each component. */
  readonly sampling?: readonly number[];
  readonly scans: readonly MadeScan[];
  /** Segments before the frame header. */
  readonly segments?: readonly Uint8Array[];
}

export function segment(marker: number, ...content: readonly number[]): Uint8Array {
  return Uint8Array.of(0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255, ...content);
}

/** A JPEG made to be slow or large: its codes are one bit long. */
export function jpeg({ width, height, progressive, sampling = [0x11, 0x11, 0x11], scans, segments = [] }: MadeJpeg) {
  const table = (slot: number, symbol: number) => segment(0xc4, slot, 1, ...Array<number>(15).fill(0), symbol);
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const components = sampling.flatMap((factors, i) => [i + 1, factors, 0]);
  const coded = scans.flatMap(({ components, band = [0, 63], bits = [0, 0], symbol = 0, bytes }) => [
    table(0, 0),
    table(0x10, symbol),
    segment(0xda, components.length, ...components.flatMap((i) => [i + 1, 0]), ...band, bits[0] * 16 + bits[1]),
    new Uint8Array(Math.ceil(bytes)),
  ]);
  const parts = [
    Uint8Array.of(0xff, 0xd8),
    ...segments,
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(progressive ? 0xc2 : 0xc0, 8, ...size, sampling.length, ...components),
    ...coded,
    Uint8Array.of(0xff, 0xd9),
  ];
  return new Uint8Array(Buffer.concat(parts));
}
