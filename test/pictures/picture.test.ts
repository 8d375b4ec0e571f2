import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { decodePicture, MAX_FILE_BYTES } from "../../src/pictures/decode.js";
import { encodePng, MAX_PIXELS, MAX_SIDE } from "../../src/pictures/picture.js";
import {
  type Chunk,
  crc,
  deflated,
  END,
  header,
  jpeg,
  type MadeScan,
  png,
  pngOf,
  segment,
} from "../support/pictures.js";

const folder = "test/fixtures/pixels";
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
  decoded: Record<string, [width: number, height: number, sum: string]>;
};
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** The message of the NoticeError that decoding must end in. */
async function refusal(bytes: Uint8Array, name = "photo"): Promise<string> {
  try {
    await decodePicture(bytes, name);
  } catch (error) {
    assert.instance(error, NoticeError);
    assert.is((error as NoticeError).code, "image");
    assert.ok((error as Error).message.startsWith(`${name} `), (error as Error).message);
    assert.not.match((error as Error).message, /node_modules|pngjs|wasm|undefined|NaN/);
    return (error as Error).message;
  }
  assert.unreachable(`${name} was decoded`);
  return "";
}

for (const kind of ["png", "jpg"])
  test(`every ${kind} decodes to Pillow's pixels`, async () => {
    for (const [name, [width, height, sum]] of Object.entries(expected.decoded)) {
      if (!name.endsWith(kind)) continue;
      const picture = await decodePicture(file(name), name);
      assert.equal([picture.width, picture.height, sha256(picture.data)], [width, height, sum], name);
    }
  });

test("a written PNG reads back", async () => {
  const data = Uint8Array.from({ length: 7 * 5 * 3 }, (_, i) => (i * 37) % 256);
  assert.equal(await decodePicture(encodePng({ width: 7, height: 5, data }), "own"), { width: 7, height: 5, data });
});

test("bytes behind the end do not matter, as in Pillow", async () => {
  for (const name of ["rgb-8.png", "17x31-420-progressive.jpg"]) {
    const bytes = file(name);
    const longer = new Uint8Array(bytes.length + 99).fill(0xff);
    longer.set(bytes);
    assert.is(sha256((await decodePicture(longer, name)).data), expected.decoded[name]![2]);
  }
});

test("another kind of file is refused by its name", async () => {
  const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (const [text, name] of [
    ["GIF89a......", "GIF"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "WebP"],
    ["BM\x46\0\0\0", "BMP"],
    ["II*\0\x08\0\0\0", "TIFF"],
    ["MM\0*\0\0\0\x08", "TIFF"],
    ["\0\0\0\x1cftypavif", "AVIF"],
    ["\0\0\0\x1cftypheic", "HEIF"],
    ["%PDF-1.7", "PDF"],
    ["PK\x03\x04", "ZIP"],
    ["\n <!DOCTYPE html><title>404</title>", "HTML"],
    ["\xef\xbb\xbf<html>", "HTML"],
    ["<svg xmlns='...'>", "SVG"],
    ["not found\n", "not found"],
    ["\x89PNG\n\x1a\n", "PNG signature"],
    ["\x01\x02\x03\xfe", "01 02 03 fe"],
    ["\xff", "ff"],
    ["\xff\xd8", "JPEG"],
    ["", "empty"],
  ] as const)
    assert.match(await refusal(latin1(text)), name);
});

test("a file cut anywhere is refused", async () => {
  for (const name of [
    "grey-2-interlaced.png",
    "palette-8.png",
    "rgb-16.png",
    "17x31-420-progressive.jpg",
    "restarts.jpg",
  ]) {
    const bytes = file(name);
    const step = Math.ceil(bytes.length / 150);
    for (let length = 0; length < bytes.length; length += length < bytes.length - 20 ? step : 1)
      await refusal(bytes.subarray(0, length), name);
  }
});

test("made-up rows are refused: a JPEG cut in its data, then ended properly", async () => {
  for (const name of ["quality-100.jpg", "64x48-420-progressive.jpg", "grey.jpg"]) {
    const bytes = file(name).slice();
    const middle = Math.floor(bytes.length * 0.7);
    bytes.set([0xff, 0xd9], middle);
    assert.match(await refusal(bytes.subarray(0, middle + 2), name), /damaged/);
  }
});

test("a wrong checksum is refused in every chunk", async () => {
  const bytes = file("pillow.png");
  for (const at of [20, 33 + 9, bytes.length - 30, bytes.length - 2]) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assert.match(await refusal(changed), /checksum/);
  }
});

test("bombs are refused before they go off", async () => {
  assert.match(await refusal(png(header(60_000, 60_000), deflated(1000), END)), `${MAX_PIXELS}`);
  assert.match(await refusal(png(header(13_000, 13_000), deflated(1000), END)), /bomb/);
  assert.match(await refusal(png(header(8_000, 4_000), deflated(1000), END)), /bomb.* need 96004000 .* holds \d+\./);
  assert.match(await refusal(png(header(4, 4), deflated(50_000_000), END)), /more/);
  assert.match(await refusal(png(header(4, 4, 8, 2, 1), deflated(50_000_000), END)), /more/);
  assert.match(await refusal(png(header(4, 4, 1, 0), deflated(7), END)), /7 of them/);
  assert.match(await refusal(png(header(0, 4), deflated(4), END)), /at least 1/);
  const jpeg = file("64x48-420-baseline.jpg").slice();
  const frame = jpeg.findIndex((byte, at) => byte === 0xff && jpeg[at + 1] === 0xc0);
  jpeg.set([0xff, 0xdc, 0xff, 0xdc], frame + 5);
  assert.match(await refusal(jpeg), `${MAX_PIXELS}`);
  jpeg.set([0x20, 0, 0x20, 0], frame + 5);
  assert.match(await refusal(jpeg), /bomb/);
  // A progressive file of many empty scans.
  const scan = file("1x1-444-progressive.jpg");
  const last = scan.lastIndexOf(0xda) - 1;
  const scans = Array.from({ length: 5000 }, () => scan.subarray(last, -2));
  assert.match(
    await refusal(new Uint8Array(Buffer.concat([scan.subarray(0, -2), ...scans, scan.subarray(-2)]))),
    /scans/,
  );
});

const ones = (count: number): Chunk => ["IDAT", new Uint8Array(count)];

test("a PNG that costs too much is refused before it is decoded", async () => {
  for (const [width, height] of [
    [1, 60_000_000],
    [178_956_970, 1],
    [MAX_SIDE + 1, 1],
  ] as const)
    assert.match(await refusal(png(header(width, height, 1, 0), ones(100), END)), `at most ${MAX_SIDE}`);
  assert.match(await refusal(png(header(13_377, 13_377, 16, 6), ones(100), END)), `at most ${MAX_PIXELS}`);
  // 96 MiB inflated and 16 MiB stored are the most.
  assert.match(
    await refusal(png(header(8_192, 8_192, 16, 0), ones(200_000), END)),
    /134225920 when inflated.* 100663296 /,
  );
  assert.match(await refusal(png(header(100, 100), ones(2 ** 24 + 1), END)), /16777217 bytes of data.* 16777216 /);
  assert.match(await refusal(new Uint8Array(MAX_FILE_BYTES + 1)), `at most ${MAX_FILE_BYTES}`);
});

test("a PNG of very many chunks is refused, and one of many decoded", async () => {
  const data = deflateSync(Buffer.alloc(300 * 901), { level: 0 });
  const pieces = (size: number) =>
    Array.from(
      { length: Math.ceil(data.length / size) },
      (_, i): Chunk => ["IDAT", data.subarray(i * size, (i + 1) * size)],
    );
  for (const kind of [pieces(1), Array<Chunk>(200_000).fill(["teXt", new Uint8Array()])])
    assert.match(await refusal(pngOf([header(300, 300), ...kind, END])), /more than 65536 chunks/);
  const { data: pixels } = await decodePicture(pngOf([header(300, 300), ...pieces(5), END]), "many");
  assert.equal(pixels, new Uint8Array(300 * 300 * 3));
});

test("what ancillary chunks hold is not inflated", async () => {
  // Whoever inflated them would find no zlib stream.
  const chunks = ["zTXt", "iTXt", "iCCP"].map((type): Chunk => [type, new Uint8Array(20_000).fill(0xff)]);
  assert.is((await decodePicture(png(header(4, 4), ...chunks, deflated(52), END), "it")).data.length, 48);
});

test("every filter gives pngjs's pixels, in whole and interlaced pictures", async () => {
  const next = random(7);
  for (const [colour, channels] of [[0, 1], [2, 3], [4, 2], [6, 4]] as const) // biome-ignore format: a row
    for (let filter = 0; filter < 5; filter++) {
      const [width, height] = [9, 6];
      const rows = Buffer.from({ length: height * (1 + width * channels) } as ArrayLike<number>).map(
        () => next() * 256,
      );
      for (let y = 0; y < height; y++) rows[y * (1 + width * channels)] = filter;
      const file = png(header(width, height, 8, colour), ["IDAT", deflateSync(rows)], END);
      const rgba = PNG.sync.read(Buffer.from(file)).data;
      const { data } = await decodePicture(file, "it");
      assert.equal(
        [...data],
        [...rgba].filter((_, i) => i % 4 < 3),
        `colour ${colour}, filter ${filter}`,
      );
    }
});

const dcScan = (blocks: number): MadeScan => ({ components: [0, 1, 2], band: [0, 0], bytes: (blocks * 3) / 8 });

test("a JPEG that costs too much is refused before it is decoded", async () => {
  const blocks = (4096 / 8) ** 2;
  const of = (side: number, progressive: boolean, scans: readonly MadeScan[]) =>
    jpeg({ width: side, height: side, progressive, scans });
  const empty = Array.from({ length: 99 }, (): MadeScan => ({ components: [0, 1, 2], band: [0, 0], bytes: 1 }));
  // 6 steps a sample, 25 a block and scan, 28 a byte.
  const millions = Math.floor((6 * 4096 ** 2 * 3 + 100 * 25 * blocks * 3 + 28 * ((blocks * 3) / 8 + 99)) / 1e6);
  assert.match(await refusal(of(4096, true, [dcScan(blocks), ...empty])), new RegExp(`about ${millions}\\d{6} steps`));
  assert.match(await refusal(of(64, false, [{ components: [0, 1, 2], bytes: 40_000_000 }])), /about 11200/);
  const large = of(6400, true, [dcScan(800 ** 2)]);
  assert.match(await refusal(large), `and ${12 * 6400 ** 2 + 2 * large.length} bytes`);
  assert.match(
    await refusal(jpeg({ width: 8, height: 8, segments: Array(5000).fill(segment(0xfe)), scans: [dcScan(1)] })),
    /more than 4096 segments/,
  );
});

test("a scan that libjpeg reads is counted, whatever is before it", async () => {
  const file = jpeg({ width: 8, height: 8, progressive: true, scans: Array.from({ length: 150 }, () => dcScan(1)) });
  // TEM has no length: what follows is the next segment, not its content.
  const at = file.lastIndexOf(0xda, file.indexOf(0xda)) - 1;
  const hidden = Buffer.concat([file.subarray(0, at), Uint8Array.of(0xff, 0x01), file.subarray(at)]);
  assert.match(await refusal(new Uint8Array(hidden)), /more than 100 scans/);
  const two = jpeg({ width: 8, height: 8, progressive: true, scans: [dcScan(1)] });
  const scan = two.lastIndexOf(0xda);
  two[scan + 4] = 9; // a component that the frame does not have
  assert.match(await refusal(two), /does not go with the frame/);
});

test("a PNG that the standard does not have is refused", async () => {
  const data = deflated(13);
  assert.match(await refusal(png(header(4, 1, 3, 2), data, END)), /colour type 2, 3 bits/);
  assert.match(await refusal(png(header(4, 1, 8, 5), data, END)), /colour type 5/);
  assert.match(await refusal(png(header(4, 1, 8, 3), deflated(5), END)), /palette/);
  assert.match(await refusal(png(data, END)), /IHDR/);
  assert.match(await refusal(png(header(4, 1), END)), /bomb|cut/);
  const filter = Buffer.alloc(13);
  filter[0] = 9;
  assert.match(await refusal(png(header(4, 1), ["IDAT", deflateSync(filter)], END)), /damaged/);
});

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mutated(bytes: Uint8Array, next: () => number): Uint8Array {
  const out = bytes.slice();
  for (let n = 1 + Math.floor(next() * 4); n > 0; n--) {
    const at = Math.floor(next() * out.length);
    const edit = Math.floor(next() * 4);
    if (edit === 0) out[at] = Math.floor(next() * 256);
    else if (edit === 1) out[at]! ^= 1 << Math.floor(next() * 8);
    else if (edit === 2) out[at] = [0, 0xff, 0x7f, 0x80][Math.floor(next() * 4)]!;
    else out.copyWithin(at, Math.floor(next() * out.length), Math.floor(next() * out.length));
  }
  return out;
}

/** Checksums made right again, so that what lies behind them is reached. */
function repaired(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) break;
    view.setUint32(end - 4, crc(bytes.subarray(at + 4, end - 4)));
    at = end;
  }
  return bytes;
}

test("any bytes give a picture or a NoticeError", async () => {
  const next = random(1);
  const small = Object.keys(expected.decoded).filter((name) => file(name).length < 3000);
  const counts = { pictures: 0, refused: 0 };
  for (let round = 0; round < 4000; round++) {
    const name = small[Math.floor(next() * small.length)]!;
    const bytes = mutated(file(name), next);
    try {
      const { width, height, data } = await decodePicture(name.endsWith("png") ? repaired(bytes) : bytes, name);
      assert.is(data.length, width * height * 3);
      counts.pictures++;
    } catch (error) {
      assert.instance(error, NoticeError, `${name}, round ${round}: ${(error as Error).stack}`);
      counts.refused++;
    }
  }
  assert.ok(counts.pictures > 200 && counts.refused > 1000, JSON.stringify(counts));
});

test.run();
