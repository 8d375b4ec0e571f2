import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "./lock.js";

/** What is written beside its place is named after it and after the process that writes. */
const BESIDE = /^(.+)\.(?:(\d+)\.part|partial-(\d+))$/;

/**
 * Removes what processes that are gone left in a folder beside the places of their files. What a process of another machine is writing
 * looks the same: one place is written from one machine at a time.
 *
 * @param name of the file or folder that they wrote; without it any.
 */
export async function removeLeftovers(folder: string, name?: string): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, of, part, partial] = BESIDE.exec(entry) ?? [];
    if (of === undefined || (name !== undefined && of !== name) || isAlive(Number(part ?? partial))) continue;
    await rm(join(folder, entry), { recursive: true, force: true }).catch(() => {});
  }
}
