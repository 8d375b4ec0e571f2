import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { near } from "../base/nearest.js";
import { SHIPPED_MODEL } from "./package.js";

/** A slip of the fingers, not another name. */
const MOST_EDITS = 2;

/** The checkpoint that was meant by a path at which there is none: the package's own, or a folder beside it. */
export async function meantFolder(path: string): Promise<string | undefined> {
  const names = [SHIPPED_MODEL, dirname(SHIPPED_MODEL)];
  const isShipped = basename(path) === basename(SHIPPED_MODEL) || near(path.replace(/\/+$/, ""), names, MOST_EDITS);
  if (isShipped) return SHIPPED_MODEL;
  const inside = await checkpointIn(path);
  if (inside !== undefined) return inside;
  const parent = dirname(path);
  const beside = near(basename(path), await readdir(parent).catch(() => []), MOST_EDITS);
  const folder = beside === undefined ? undefined : join(parent, beside);
  return folder && (await isCheckpoint(folder)) ? folder : undefined;
}

/** The first checkpoint among the folders of a folder. */
async function checkpointIn(folder: string): Promise<string | undefined> {
  for (const name of (await readdir(folder).catch(() => [])).sort())
    if (await isCheckpoint(join(folder, name))) return join(folder, name);
  return undefined;
}

/** Whether a folder says of itself that it is one. */
export const isCheckpoint = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, "config.json")).catch(() => undefined)) !== undefined;
