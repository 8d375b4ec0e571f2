import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { NoticeError } from "../base/errors.js";
import { type Connection, get, type Reply } from "./http.js";
import { kindOf } from "./read.js";
import { type Retry, TransientError, withRetries } from "./retry.js";

/** A file as a server lists it. `git-sha1` is a git blob's name: it covers `blob SIZE\0` before the content. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly size: number;
  readonly digest: { readonly algorithm: "sha256" | "git-sha1"; readonly hex: string };
}

interface Transfer extends Connection {
  readonly retry: Retry;
  /** Told the bytes of this file that are on disk; smaller than before where a server made it start again. */
  readonly onBytes?: (bytes: number) => void;
  /** What a status other than 200 and 206 means on this server. */
  readonly errorOf: (reply: Reply) => NoticeError;
}

/** What all connections for one file have brought: no server makes it come anew more often than this allows. */
interface Brought {
  bytes: number;
  furthest: number;
}
const MOST_TIMES = 4;

/** Where one connection began, and the digest of the whole partial file after it. */
interface Filled {
  readonly from: number;
  readonly hex: string;
}

/**
 * Download `file` to `path` through `path.incomplete`: a partial file there is continued by a Range request, or written
 * anew where the server ignores ranges; `path` appears only with the listed size and digest.
 *
 * The hub client's own `downloadFileToCacheDir` begins every file again at its first byte and compares no digest.
 * @throws NoticeError "network": another size or digest than listed (the partial file is deleted), refused by the
 * server, or still failing after the last attempt (the partial file stays, for the next call to continue).
 */
export async function downloadVerified(file: RemoteFile, path: string, transfer: Transfer): Promise<void> {
  const partial = `${path}.incomplete`;
  // A second round: what damaged a continued file may lie in the bytes of an earlier run.
  const brought = { bytes: 0, furthest: 0 };
  for (const round of [1, 2]) {
    const filled = await withRetries(() => fill(file, partial, transfer, brought), transfer.retry, transfer);
    if (filled.hex === file.digest.hex) return rename(partial, path);
    await rm(partial, { force: true });
    if (round === 2 || filled.from === 0) {
      throw new NoticeError(
        "network",
        `${file.name}: the download's ${file.digest.algorithm} is ${filled.hex}, expected ${file.digest.hex}. ` +
          "It was damaged on its way and has been deleted: try again",
      );
    }
  }
}

async function fill(file: RemoteFile, partial: string, transfer: Transfer, brought: Brought): Promise<Filled> {
  const size = await usableSize(partial, file.size);
  transfer.onBytes?.(size);
  if (size > 0 && size === file.size) return { from: size, hex: (await startHash(file, partial, size)).digest("hex") };

  const headers = size > 0 ? { ...file.headers, range: `bytes=${size}-` } : file.headers;
  const reply = await get(file.url, headers, transfer);
  try {
    if (reply.status !== 200 && reply.status !== 206) throw transfer.errorOf(reply);
    const from = await deletingIfRefused(partial, async () => offsetOf(file, reply, size));
    return await deletingIfRefused(partial, () => receive(file, reply, { partial, from, brought }, transfer));
  } finally {
    reply.close();
  }
}

async function receive(
  file: RemoteFile,
  reply: Reply,
  { partial, from, brought }: { partial: string; from: number; brought: Brought },
  transfer: Transfer,
): Promise<Filled> {
  const hash = await startHash(file, partial, from);
  const handle = await open(partial, from > 0 ? "r+" : "w");
  let size = from;
  const broken = (message: string) => {
    // Beyond where any connection came: what a server sends anew is no progress.
    const progress = size - Math.max(from, brought.furthest);
    brought.furthest = Math.max(size, brought.furthest);
    return new TransientError(message, 0, progress >= Math.max(1, Math.min(1 << 20, file.size / 4)));
  };
  try {
    for await (const piece of reply.body()) {
      if (size + piece.length > file.size) {
        throw new NoticeError("network", `${file.name}: the server sends more than the ${file.size} bytes it lists`);
      }
      brought.bytes += piece.length;
      if (brought.bytes > MOST_TIMES * file.size)
        throw new NoticeError(
          "network",
          `${file.name}: ${brought.bytes} bytes came, ${MOST_TIMES} times what it has, and never the whole: the server ` +
            "begins anew after each break. Try again later, or another network",
        );
      await handle.write(piece, 0, piece.length, size);
      hash.update(piece);
      size += piece.length;
      transfer.onBytes?.(size);
    }
    if (size < file.size) throw broken(`${file.url}: the connection ended at byte ${size} of ${file.size}`);
    await handle.sync();
    return { from, hex: hash.digest("hex") };
  } catch (error) {
    throw error instanceof TransientError ? broken(error.message) : error;
  } finally {
    await handle.close();
  }
}

/**
 * Where the reply's body begins in the file: at `size` if the server honours the range, at 0 if it sends everything.
 */
function offsetOf(file: RemoteFile, reply: Reply, size: number): number {
  const length = reply.headers.get("content-length");
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(reply.headers.get("content-range") ?? "");
  if (reply.status === 206 && Number(range?.[1]) !== size) {
    throw new NoticeError(
      "network",
      `${file.name}: asked for the bytes from ${size} on, the server sent another range`,
    );
  }
  const listed = reply.status === 206 ? range?.[2] : reply.headers.has("content-encoding") ? null : length;
  if (listed && Number(listed) !== file.size) {
    throw new NoticeError("network", `${file.name}: the server has ${listed} bytes of it, its list says ${file.size}`);
  }
  return reply.status === 206 ? size : 0;
}

async function deletingIfRefused<T>(partial: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof NoticeError) await rm(partial, { force: true });
    throw error;
  }
}

async function usableSize(partial: string, limit: number): Promise<number> {
  const found = await stat(partial).catch(() => undefined);
  if (found && !found.isFile())
    throw new NoticeError("network", `${partial} is not a file but ${kindOf(found)}. Remove it, and call again.`);
  const size = found?.size ?? 0;
  return size <= limit ? size : 0;
}

async function startHash(file: RemoteFile, partial: string, size: number): Promise<Hash> {
  const hash = createHash(file.digest.algorithm === "sha256" ? "sha256" : "sha1");
  if (file.digest.algorithm === "git-sha1") hash.update(`blob ${file.size}\0`);
  if (size > 0) for await (const piece of createReadStream(partial, { end: size - 1 })) hash.update(piece);
  return hash;
}
