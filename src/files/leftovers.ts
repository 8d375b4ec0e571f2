import { readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

/** This machine's name, as a part of a file's. */
const HOST = hostname()
  .replace(/[^A-Za-z0-9-]+/g, "_")
  .slice(0, 40);

/** What is written beside its place is named after it, and after the machine and the process that write. */
const BESIDE = /^(.+)\.(?:([\w-]*)\.(\d+)\.part|partial-([\w-]*)-(\d+))$/;

/** Where this process writes a file before it is renamed to `path`. */
export const partOf = (path: string): string => `${path}.${HOST}.${process.pid}.part`;

/** Where this process fills a folder before it is renamed to `folder`. */
export const partialOf = (folder: string): string => `${folder.replace(/[/\\]+$/, "")}.partial-${HOST}-${process.pid}`;

/**
 * Removes what processes of this machine that are gone left in a folder, beside the places of what they wrote. Nothing
 * tells whether a process of another machine is gone: what it left stays.
 *
 * @param name of the file or folder that they wrote; without it any.
 */
export async function removeLeftovers(folder: string, name?: string): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const [, of, partHost, part, partialHost, partial] = BESIDE.exec(entry) ?? [];
    if (of === undefined || (name !== undefined && of !== name)) continue;
    if ((partHost ?? partialHost) !== HOST || isAlive(Number(part ?? partial))) continue;
    await rm(join(folder, entry), { recursive: true, force: true }).catch(() => {});
  }
}

/** As `removeLeftovers`, of what was to become `path`. */
export async function removeLeftoversOf(path: string): Promise<void> {
  const place = path.replace(/[/\\]+$/, "");
  await removeLeftovers(dirname(place), basename(place));
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
