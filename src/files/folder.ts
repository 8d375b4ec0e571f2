import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { NoticeError } from "../errors.js";
import type { CheckpointFiles } from "../model/checkpoint.js";
import type { ByteSource } from "../model/safetensors.js";

/** The largest JSON or vocabulary that is read: the hub's are below 3 MB. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** A checkpoint folder on disk. */
export function checkpointFolder(folder: string): CheckpointFiles {
  return {
    name: folder,
    async text(file) {
      const path = join(folder, file);
      const size = await sizeOf(path);
      if (size === undefined) return undefined;
      if (size > MAX_TEXT_BYTES)
        throw new NoticeError("checkpoint", `${path} has ${size} bytes; at most ${MAX_TEXT_BYTES} are read.`);
      return readFile(path, "utf8");
    },
    async bytes(file) {
      const path = join(folder, file);
      const size = await sizeOf(path);
      return size === undefined ? undefined : fileBytes(path, size);
    },
  };
}

function fileBytes(path: string, size: number): ByteSource {
  return {
    name: path,
    size,
    async read(start, end) {
      const handle = await open(path);
      try {
        // Not from Node's shared pool: a weight of its own, aligned for a Float32Array.
        const bytes = new Uint8Array(end - start);
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await handle.close();
      }
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new NoticeError("checkpoint", `${path} is not a file.`);
    return found.size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
