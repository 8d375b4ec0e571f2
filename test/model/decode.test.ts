import { test } from "uvu";
import { decodePicture } from "../../src/model/decode.js";
import { refused } from "../support/refused.js";

/** How files of each kind begin, as their formats say. */
const BEGINNINGS: readonly [kind: string, bytes: string][] = [
  ["a GIF", "GIF87a\x01\0\x01\0"],
  ["a WebP picture", "RIFF\x10\0\0\0WEBPVP8 "],
  ["a BMP", "BM\x3a\0\0\0"],
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

test("what is no picture is called what it is", async () => {
  for (const [kind, bytes] of BEGINNINGS)
    await refused(() => decodePicture(new Uint8Array(Buffer.from(bytes, "latin1")), "photo"), "image", kind);
});

test.run();
