import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { formatBytes } from "../base/bytes.js";
import { NoticeError, type NoticeErrorCode } from "../base/errors.js";
import { fileError } from "./system-error.js";

interface ReadOptions {
  /** What a refusal is called. Default: `options`. */
  readonly code?: NoticeErrorCode;
  /** The largest file that is read, in bytes. */
  readonly most?: number;
}

/**
 * Refuses what is no file before it is opened: whoever opens a pipe waits for its other end, and a device may never
 * come to an end.
 *
 * @returns undefined where there is nothing.
 * @throws NoticeError `code` where there is something else, or a larger file.
 */
export async function findFile(path: string, { code = "options", most }: ReadOptions = {}): Promise<Stats | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw fileError(path, "read", error, code);
  });
  if (!found) return undefined;
  if (!found.isFile())
    throw new NoticeError(code, `${path} is not a file but ${kindOf(found)}. Give the path of a file.`);
  if (most !== undefined && found.size > most)
    throw new NoticeError(code, `${path} has ${formatBytes(found.size)}; at most ${formatBytes(most)} are read.`);
  return found;
}

/** What is no file, in words. */
export function kindOf(found: Pick<Stats, "isDirectory" | "isFIFO" | "isSocket">): string {
  if (found.isDirectory()) return "a folder";
  return found.isFIFO() ? "a pipe" : found.isSocket() ? "a socket" : "a device";
}

/** A whole file. @throws NoticeError `code` where it is missing, may not be read, or as `findFile`. */
export async function readBytes(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  await findFile(path, options);
  return await readFile(path).catch((error) => {
    throw fileError(path, "read", error, options.code);
  });
}

/** A whole file as text. @throws as `readBytes` */
export async function readText(path: string, options: ReadOptions = {}): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readBytes(path, options));
}

/** A file in parts, of `size` bytes from its beginning where that is given. @throws as `readBytes` */
export async function* readParts(path: string, size = Infinity): AsyncGenerator<Buffer, void, undefined> {
  await findFile(path);
  try {
    if (size > 0) yield* createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw fileError(path, "read", error);
  }
}

/** SHA-256 of a file, in hexadecimal digits. @throws as `readBytes` */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of readParts(path)) hash.update(part);
  return hash.digest("hex");
}
