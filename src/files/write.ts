import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { partOf } from "./leftovers.js";
import { fileError } from "./system-error.js";

/** At once or in parts. */
export type Content = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/**
 * Writes a whole file or nothing: beside its place first, then renamed into it.
 *
 * @param content what making its parts throws passes through.
 * @throws NoticeError `options` where the folder is missing or may not be written to.
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  const beside = partOf(path);
  const refuse = (cause: unknown): never => {
    throw fileError(path, "written", cause);
  };
  try {
    // Of an earlier process of this number; a link there is not followed.
    await rm(beside, { force: true }).catch(refuse);
    const file = await open(beside, "wx").catch(refuse);
    try {
      const parts = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for await (const part of parts) await file.writeFile(part).catch(refuse);
    } finally {
      await file.close().catch(refuse);
    }
    await rename(beside, path).catch(refuse);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * A folder with those that it lies in, where they are missing. (Node's own `recursive` never comes back from below
 * /proc, where a folder that is there says of a new one that it is not.)
 *
 * @throws NoticeError `options` where it may not be made, or there is something else.
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  const above = dirname(resolve(folder));
  if (above !== folder) await makeFolder(above);
  try {
    await mkdir(folder);
  } catch (cause) {
    // Another process may have made it.
    if (await isFolder(folder)) return;
    throw fileError(`The folder ${folder}`, "made", cause);
  }
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
