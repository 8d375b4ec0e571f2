import { lstat, readdir, realpath } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { NoticeError } from "../base/errors.js";
import { kindOf } from "./read.js";

export const SETTINGS = "settings.json";
export const DATABASE = "study.duckdb";
/** What a finished shard says of itself. */
export const SHARD = "shard.json";
/** The folder of generated scenes. */
export const SCENES = "scenes";

/** What a run keeps of itself in its folder; beside it others may put what they like. */
const OWN = /^(settings\.json|study\.duckdb|shard\.json|circuits\.json|report\.html|figures$|scenes($|\.partial-))/i;

/**
 * Refuses a path that a run keeps something of its own at, or keeps free for it.
 *
 * @throws NoticeError `options`
 */
export async function refuseRunFile(path: string): Promise<void> {
  const above = dirname(resolve(path));
  const file = join(await realpath(above).catch(() => above), basename(path));
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const [name] = relative(folder, file).split(sep);
    const isRun = OWN.test(name!) && (await lstat(join(folder, DATABASE)).catch(() => undefined));
    if (isRun)
      throw new NoticeError(
        "options",
        `${path} cannot be written: ${name} belongs to the run ${folder}. Give another name.`,
      );
    if (folder === dirname(folder)) return;
  }
}

/**
 * Refuses links and devices in the place of a run's settings and of what DuckDB opens: whoever made the run would have
 * other files read or written.
 *
 * @throws NoticeError `options`
 */
export async function refuseLinks(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.name !== SETTINGS && !entry.name.startsWith(DATABASE)) continue;
    if (entry.isFile() || (entry.isDirectory() && entry.name === `${DATABASE}.tmp`)) continue;
    const what = entry.isSymbolicLink() ? "a link" : `not a file but ${kindOf(entry)}`;
    throw new NoticeError(
      "options",
      `${join(folder, entry.name)} is ${what}; a run keeps its settings and scores in files of its own folder.`,
    );
  }
}
