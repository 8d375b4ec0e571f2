import { NoticeError } from "../base/errors.js";
import { decodeBmp } from "./bmp.js";
import { decodeGif } from "./gif.js";
import { decodeJpeg } from "./jpeg.js";
import type { Picture } from "./picture.js";
import { decodePng } from "./png.js";
import { decodeWebp } from "./webp.js";

/** The largest file that is decoded. */
export const MAX_FILE_BYTES = 1 << 26;

/** The kinds that are decoded, for errors. */
const DECODED = "a PNG, JPEG, WebP, GIF or BMP picture";

type Kind = "png" | "jpg" | "webp" | "gif" | "bmp";

// By the bytes that such a file has at the given place, written as Latin-1.
const DECODERS: readonly (readonly [kind: Kind, at: number, bytes: string, decode: Decode])[] = [
  ["png", 0, "\x89PNG\r\n\x1a\n", decodePng],
  ["jpg", 0, "\xff\xd8\xff", decodeJpeg],
  ["webp", 8, "WEBP", decodeWebp],
  ["gif", 0, "GIF87a", decodeGif],
  ["gif", 0, "GIF89a", decodeGif],
  ["bmp", 0, "BM", decodeBmp],
];
type Decode = (bytes: Uint8Array, name: string) => Picture | Promise<Picture>;

/** The ending of a picture's name that goes with its bytes, where it is one that is decoded. */
export function kindOfPicture(bytes: Uint8Array): Kind | undefined {
  return decoderOf(bytes)?.[0];
}

const decoderOf = (bytes: Uint8Array) => DECODERS.find(([, at, text]) => startsWith(bytes.subarray(at), text));

/** Whether a file's name ends as those of pictures do. */
export const isPictureName = (name: string) => /\.(jpe?g|png|webp|gif|bmp)$/i.test(name);

/**
 * The picture in the bytes of a PNG, JPEG, WebP, GIF or BMP file, as `Image.open(file).convert("RGB")` of Pillow 13
 * gives it: the first frame of several; alpha is dropped, not composited; of 16 bits the upper 8 are kept, but 16-bit
 * grey is clipped at 255; four inks become RGB without a colour profile; EXIF orientation is not applied. The bytes
 * tell the kind; `name` stands for the file in errors.
 *
 * Stricter than Pillow: what a decoder would have to make up (a cut file, damaged data) is refused, because made-up
 * rows would be scored as if they were picture.
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
  const decoder = decoderOf(bytes);
  if (decoder) return decoder[3](bytes, name);
  if (bytes.length === 0) throw new NoticeError("image", `${name} is empty. Expected ${DECODED}.`);
  throw new NoticeError("image", `${name} is ${kindOf(bytes)}. Expected ${DECODED}: convert it, or name another file.`);
}

// Kinds that are not decoded.
const KINDS: readonly (readonly [kind: string, at: number, bytes: string])[] = [
  ["a damaged or cut PNG signature", 0, "\x89PNG"],
  ["a cut JPEG", 0, "\xff\xd8"],
  ["a damaged GIF", 0, "GIF"],
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
