import { NoticeError } from "../base/errors.js";
import { decodeJpeg } from "./jpeg.js";
import type { Picture } from "./picture.js";
import { decodePng } from "./png.js";

/** The largest file that is decoded. */
export const MAX_FILE_BYTES = 1 << 26;

/**
 * The picture in the bytes of a PNG or JPEG file, as `Image.open(file).convert("RGB")` of Pillow 13 gives it: alpha is
 * dropped, not composited; of 16 bits the upper 8 are kept, but 16-bit grey is clipped at 255; EXIF orientation is not
 * applied. `name` stands for the file in errors.
 *
 * Stricter than Pillow: what a decoder would have to make up (a cut file, damaged JPEG data) is refused, because
 * made-up rows would be scored as if they were picture. CMYK JPEGs are refused.
 *
 * @throws NoticeError `image` where the file is empty, cut, damaged, of another kind, or would take too long or too
 * much memory: what decoding costs is bounded before it begins (docs/security.md).
 */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  if (!ArrayBuffer.isView(bytes))
    throw new NoticeError("image", `${name} is not the bytes of a file: give a Uint8Array.`);
  if (bytes.length > MAX_FILE_BYTES)
    throw new NoticeError(
      "image",
      `${name} has ${bytes.length} bytes; pictures of at most ${MAX_FILE_BYTES} are decoded. Scale the picture down.`,
    );
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return decodePng(bytes, name);
  if (startsWith(bytes, "\xff\xd8\xff")) return decodeJpeg(bytes, name);
  if (bytes.length === 0) throw new NoticeError("image", `${name} is empty. Expected a PNG or JPEG picture.`);
  throw new NoticeError(
    "image",
    `${name} is ${kindOf(bytes)}. Expected PNG or JPEG: convert it, or name another file.`,
  );
}

// Bytes that a file of the kind has at the given place, written as Latin-1.
const KINDS: readonly (readonly [kind: string, at: number, bytes: string])[] = [
  ["a damaged or cut PNG signature", 0, "\x89PNG"],
  ["a cut JPEG", 0, "\xff\xd8"],
  ["a GIF", 0, "GIF8"],
  ["a WebP picture", 8, "WEBP"],
  ["a BMP", 0, "BM"],
  ["a TIFF", 0, "II*\0"],
  ["a TIFF", 0, "MM\0*"],
  ["an AVIF picture", 4, "ftypavif"],
  ["a HEIF picture or video", 4, "ftyp"],
  ["a JPEG 2000 picture", 0, "\0\0\0\x0cjP  "],
  ["a JPEG XL picture", 0, "\xff\x0a"],
  ["a JPEG XL picture", 0, "\0\0\0\x0cJXL "],
  ["an icon (ICO)", 0, "\0\0\x01\0"],
  ["a Photoshop file", 0, "8BPS"],
  ["a PDF", 0, "%PDF"],
  ["a ZIP archive", 0, "PK\x03\x04"],
  ["gzip data", 0, "\x1f\x8b"],
];

function kindOf(bytes: Uint8Array): string {
  const known = KINDS.find(([, at, text]) => startsWith(bytes.subarray(at), text));
  if (known) return known[0];
  const head = String.fromCharCode(...bytes.subarray(0, 256)).replace(/^\xef\xbb\xbf/, "");
  if (/^\s*<(!doctype html|html|head|body)/i.test(head)) return "an HTML page, not a picture";
  if (/^\s*<(\?xml|svg|!--)/i.test(head)) return "XML or SVG";
  if (/^[\t\n\r\x20-\x7e]+$/.test(head)) return `text ("${head.trim().slice(0, 24)}…")`;
  const first = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `of an unknown kind (${bytes.length} bytes, the first are ${first})`;
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}
