import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodePicture } from "../../src/pictures/decode.js";
import { refused } from "../support/refused.js";

const FOLDER = "test/fixtures/pictures";
const EXPECTED: Record<string, [width: number, height: number, sum: string]> = JSON.parse(
  readFileSync(`${FOLDER}/expected.json`, "utf8"),
);

/** How files of each kind begin, as their formats say. */
const BEGINNINGS: readonly [kind: string, bytes: string][] = [
  ["a cut or damaged GIF", "GIF87a\x01\0\x01\0"],
  ["a damaged GIF", "GIF88a\x01\0\x01\0"],
  ["a cut or damaged WebP", "RIFF\x10\0\0\0WEBPVP8 "],
  ["a cut BMP", "BM\x3a\0\0\0"],
  ["a cut BMP", `BM${"\x09".repeat(30)}`],
  ["a BMP of header 151587081", `BM${"\x09".repeat(60)}`],
  ["a TIFF", "II*\0\x08\0\0\0"],
  ["a TIFF", "MM\0*\0\0\0\x08"],
  ["an AVIF picture", "\0\0\0\x1cftypavif\0\0\0\0"],
  ["a HEIF picture or video", "\0\0\0\x18ftypheic\0\0\0\0"],
  ["a JPEG 2000 picture", "\0\0\0\x0cjP  \r\n\x87\n"],
  ["a JPEG XL picture", "\xff\x0a\0\0"],
  ["a JPEG XL picture", "\0\0\0\x0cJXL \r\n\x87\n"],
  ["an icon (ICO)", "\0\0\x01\0\x01\0"],
  ["a Photoshop file", "8BPS\0\x01"],
  ["a PDF", "%PDF-1.7\n"],
  ["a ZIP archive", "PK\x03\x04\x14\0"],
  ["gzip data", "\x1f\x8b\x08\0"],
  ["an HTML page, not a picture", "\n<!DOCTYPE html>"],
  ["XML or SVG", "<svg xmlns="],
  ['text ("not found…")', "not found\n"],
  ["of an unknown kind (3 bytes, the first are 00 01 02)", "\0\x01\x02"],
];

/** A chunk of a PNG, with its sum. */
function chunk(type: string, ...data: number[]): Buffer {
  const content = Buffer.from([...Buffer.from(type, "latin1"), ...data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  let crc = ~0;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  }
  sum.writeUInt32BE(~crc >>> 0);
  return Buffer.concat([length, content, sum]);
}

for (const [name, expected] of Object.entries(EXPECTED))
  test(`${name} decodes to Pillow's pixels`, async () => {
    const { width, height, data } = await decodePicture(new Uint8Array(readFileSync(`${FOLDER}/${name}`)), name);
    assert.equal([width, height, createHash("sha256").update(data).digest("hex")], expected);
  });

for (const name of readdirSync(`${FOLDER}/refused`))
  test(`${name} is refused`, async () => {
    await refused(
      () => decodePicture(new Uint8Array(readFileSync(`${FOLDER}/refused/${name}`)), name),
      "image",
      /cut|damaged|CMYK/,
    );
  });

test("of colours with opacity only the colours are taken, of 16 bits the upper 8", async () => {
  for (const [depth, row] of [
    [8, [0x12, 0x56, 0x9a, 0, 0xff, 1, 0, 0x80]],
    [16, [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0, 0, 0xff, 0xfe, 1, 2, 0, 0xff, 0x80, 0]],
  ] as const) {
    const header = chunk("IHDR", 0, 0, 0, 2, 0, 0, 0, 1, depth, 6, 0, 0, 0);
    const pixels = chunk("IDAT", ...deflateSync(Buffer.from([0, ...row])));
    const file = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), header, pixels, chunk("IEND")]);
    const { width, height, data } = await decodePicture(new Uint8Array(file), "photo");
    assert.equal([width, height, ...data], [2, 1, 0x12, 0x56, 0x9a, 0xff, 1, 0]);
  }
});

test("extended sequential JPEGs are read: a baseline one is one under another marker", async () => {
  const bytes = new Uint8Array(readFileSync("test/fixtures/pixels/17x31-420-baseline.jpg"));
  const frame = bytes.findIndex((byte, at) => byte === 0xff && bytes[at + 1] === 0xc0);
  const extended = bytes.with(frame + 1, 0xc1);
  assert.equal(await decodePicture(extended, "photo"), await decodePicture(bytes, "photo"));
});

test("bombs of each kind are refused before they go off", async () => {
  const file = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
  const gif = (size: string, coded: string) => file(`GIF89a${size}\0\0\0,\0\0\0\0${size}\0\x02${coded}\0;`);
  await refused(() => decodePicture(gif("\xff\xff\xff\xff", "\x01\0"), "photo"), "image", "65535 x 65535", "67108864");
  await refused(
    () => decodePicture(gif("\0\x10\0\x10", "\x01\0"), "photo"),
    "image",
    "1 bytes of data cannot hold 4096 x 4096",
  );
  const webp = (type: string, content: string) =>
    file(
      `RIFF${String.fromCharCode(content.length + 12)}\0\0\0WEBP${type}${String.fromCharCode(content.length)}\0\0\0${content}`,
    );
  const lossless = webp("VP8L", `\x2f\xff\xff\xff\x0f${"\0".repeat(9)}`);
  await refused(() => decodePicture(lossless, "photo"), "image", "16384 x 16384");
  await refused(
    () => decodePicture(webp("VP8 ", `\0\0\0\x9d\x01\x2a\x88\x13\x88\x13`), "photo"),
    "image",
    "5000 x 5000",
    "24000000",
  );
  const bmp = `BM${"\0".repeat(8)}\x36\0\0\0\x28\0\0\0\0\x10\0\0\0\x10\0\0\x01\0\x18\0${"\0".repeat(24)}`;
  await refused(() => decodePicture(file(bmp), "photo"), "image", "does not hold 4096 x 4096 pixels of 24 bits");
});

test("what is no picture is called what it is", async () => {
  for (const [kind, bytes] of BEGINNINGS)
    await refused(() => decodePicture(new Uint8Array(Buffer.from(bytes, "latin1")), "photo"), "image", kind);
});

test.run();
