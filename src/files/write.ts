import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { NoticeError } from "../errors.js";

/**
 * Writes a whole file or nothing: beside its place first, then renamed into it.
 *
 * @param content at once or in parts; what making the parts throws passes through.
 * @throws NoticeError `options` where the folder is missing or may not be written to.
 */
export async function writeWhole(path: string, content: string | Uint8Array | AsyncIterable<string>): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  const refuse = (cause: NodeJS.ErrnoException): never => {
    const why = cause.code === "ENOENT" ? `the folder ${dirname(path)} does not exist` : cause.message;
    throw new NoticeError("options", `${path} could not be written: ${why}.`, { cause });
  };
  try {
    const file = await open(beside, "w").catch(refuse);
    try {
      const parts = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for await (const part of parts) await file.writeFile(part).catch(refuse);
    } finally {
      await file.close().catch(refuse);
    }
    await rename(beside, path).catch(refuse);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
