import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { findFile } from "../files/read.js";

/**
 * Where the prompt's history is kept: NOTICE_REPL_HISTORY, else XDG_STATE_HOME/vlm-notice/repl-history, else
 * ~/.local/state/vlm-notice/repl-history; undefined, nowhere, where NOTICE_REPL_HISTORY is empty.
 */
export function historyFile(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const file = env.NOTICE_REPL_HISTORY ?? join(env.XDG_STATE_HOME || "~/.local/state", "vlm-notice", "repl-history");
  return file === "" ? undefined : file.replace(/^~(?=$|[\\/])/, homedir());
}

/**
 * The file with its folder made, readable by its owner alone; undefined where that cannot be, or there is something
 * else.
 */
export async function openHistory(file = historyFile()): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await findFile(file);
    return file;
  } catch {
    return undefined;
  }
}
