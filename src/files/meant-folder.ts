import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { near } from "../base/nearest.js";
import { SHIPPED_MODEL } from "./package.js";

/** A slip of the fingers, not another name. */
const MOST_EDITS = 2;

/** The checkpoint that was meant by a path at which there is none: the package's own, or a folder beside it. */
export async function meantFolder(path: string): Promise<string | undefined> {
  const isShipped = basename(path) === basename(SHIPPED_MODEL) || near(path, [SHIPPED_MODEL], MOST_EDITS);
  if (isShipped) return SHIPPED_MODEL;
  const parent = dirname(path);
  const beside = near(basename(path), await readdir(parent).catch(() => []), MOST_EDITS);
  const folder = beside === undefined ? undefined : join(parent, beside);
  const config = folder && (await stat(join(folder, "config.json")).catch(() => undefined));
  return config ? folder : undefined;
}
