import { open } from "node:fs/promises";
import { join } from "node:path";
import { MAX_TEXT_BYTES } from "../base/json.js";
import type { ByteSource, CheckpointFiles } from "../base/source.js";
import { findFile, readText } from "./read.js";
import { fileError } from "./system-error.js";

/** A checkpoint folder on disk. */
export function checkpointFolder(folder: string): CheckpointFiles {
  return {
    name: folder,
    async text(file) {
      const path = join(folder, file);
      const options = { code: "checkpoint", most: MAX_TEXT_BYTES } as const;
      return (await findFile(path, options)) && readText(path, options);
    },
    async bytes(file) {
      const path = join(folder, file);
      const found = await findFile(path, { code: "checkpoint" });
      return found && fileBytes(path, found.size);
    },
  };
}

function fileBytes(path: string, size: number): ByteSource {
  const refuse = (cause: unknown): never => {
    throw fileError(path, "read", cause, "checkpoint");
  };
  return {
    name: path,
    size,
    async read(start, end) {
      const handle = await open(path).catch(refuse);
      try {
        // Not from Node's shared pool: a weight of its own, aligned for a Float32Array.
        const bytes = new Uint8Array(end - start);
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled).catch(refuse);
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
