import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { formatBytes } from "../base/bytes.js";
import { removeLeftovers } from "./leftovers.js";
import { readParts } from "./read.js";
import type { Waiting } from "./retry.js";
import { writeWhole } from "./write.js";

/** What is hashed in less than a second or two is not spoken of. */
const QUIET_BYTES = 256 * 1024 * 1024;

/**
 * Whether a blob of the hub's cache holds what its name says, a sha256 or a git blob's SHA-1; other names say nothing.
 * It is read once: `.verified/NAME` beside `blobs` then has its size and time, and counts until one of them changes.
 */
export async function isSound(blob: string, { onWait }: Waiting): Promise<boolean> {
  const name = basename(blob);
  const { size, mtimeMs } = await stat(blob);
  const hash = /^[0-9a-f]{64}$/.test(name)
    ? createHash("sha256")
    : /^[0-9a-f]{40}$/.test(name)
      ? createHash("sha1").update(`blob ${size}\0`)
      : undefined;
  if (!hash) return true;
  if ((await markAt(markOf(blob))) === `${size} ${mtimeMs}`) return true;
  if (size > QUIET_BYTES) onWait?.(`comparing ${formatBytes(size)} in the hub's cache with their digest, this once`);
  for await (const part of readParts(blob)) hash.update(part);
  if (hash.digest("hex") !== name) return false;
  await remember(blob);
  return true;
}

/** What has just been compared need not be again. A cache that may not be written to is compared each time. */
export async function remember(blob: string): Promise<void> {
  try {
    const { size, mtimeMs } = await stat(blob);
    await mkdir(dirname(markOf(blob)), { recursive: true });
    await removeLeftovers(dirname(markOf(blob)));
    await writeWhole(markOf(blob), `${size} ${mtimeMs}`);
  } catch {}
}

/** What a mark says; nothing where there is none, or what is no file: whoever opens a pipe waits for its other end. */
async function markAt(path: string): Promise<string> {
  const isFile = (await stat(path).catch(() => undefined))?.isFile();
  return isFile ? await readFile(path, "utf8").catch(() => "") : "";
}

const markOf = (blob: string) => join(dirname(blob), "../.verified", basename(blob));
