import { open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "./write.js";

const HEARTBEAT_MS = 10_000;
const DEAD_AFTER_MS = 60_000;

/**
 * Run `action` while nobody else holds `lock`, a file with its owner's host and process in it, touched every 10 s. It is
 * stale once that process is gone, or silent for a minute (another host, a reused process number).
 */
export async function withLock<T>(lock: string, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await makeFolder(dirname(lock));
  while (!(await claim(lock))) {
    if (await isStale(lock)) await rm(lock, { force: true });
    else await sleep(100, undefined, { signal });
  }
  const heartbeat = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { force: true });
  }
}

async function claim(lock: string): Promise<boolean> {
  try {
    const handle = await open(lock, "wx");
    await handle.writeFile(`${hostname()} ${process.pid}`);
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(lock: string): Promise<boolean> {
  const [owner, status] = await Promise.all([readFile(lock, "utf8"), stat(lock)]).catch(() => []);
  if (owner === undefined || status === undefined) return false;
  if (Date.now() - status.mtimeMs > DEAD_AFTER_MS) return true;
  const [host, pid] = owner.split(" ");
  return host === hostname() && pid !== undefined && !isAlive(Number(pid));
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
