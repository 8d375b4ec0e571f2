import { NoticeError } from "../base/errors.js";
import { decodePicture, MAX_FILE_BYTES } from "../pictures/decode.js";
import type { Picture } from "../pictures/picture.js";
import { orShipped } from "./package.js";
import { findFile, readBytes } from "./read.js";

/**
 * A PNG, JPEG, WebP, GIF or BMP file as RGB. The package's `examples/*.png` are found from any working directory.
 *
 * @throws NoticeError `image` where the file is missing, too large, or not a whole picture.
 */
export async function readPicture(path: string): Promise<Picture> {
  return decodePicture(await readPictureFile(path), path);
}

/** Its bytes as they are. @throws NoticeError `image` where it is missing or too large. */
export async function readPictureFile(name: string): Promise<Uint8Array> {
  const path = orShipped(name);
  const options = { code: "image", most: MAX_FILE_BYTES } as const;
  if (await findFile(path, options)) return readBytes(path, options);
  const how = /^https?:/.test(path)
    ? "Download it, and give its path or its bytes"
    : `Give the path of a PNG, JPEG, WebP, GIF or BMP file; relative ones start at ${process.cwd()}`;
  throw new NoticeError("image", `There is no picture ${path}: no such file. ${how}.`);
}
