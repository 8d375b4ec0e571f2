import { open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { NoticeError } from "../base/errors.js";
import { isAlive } from "./leftovers.js";
import { pause, QUIET_MS, type Waiting } from "./retry.js";
import { makeFolder } from "./write.js";

const HEARTBEAT_MS = 10_000;
const DEAD_AFTER_MS = 60_000;
const POLL_MS = 100;

interface LockOptions extends Waiting {
  /** Waits between two looks. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** What a lock says of its owner. */
interface Owner {
  readonly host: string;
  readonly pid: number;
  readonly touchedMs: number;
}

/**
 * Run `action` while nobody else holds `lock`, a file with its owner's host and process in it, touched every 10 s. It
 * is stale once that process is gone, or silent for a minute (another host, a reused process number), whatever its
 * clock says.
 *
 * @throws NoticeError `network` where there is something that is no lock.
 */
export async function withLock<T>(lock: string, action: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await makeFolder(dirname(lock));
  await take(lock, options);
  const heartbeat = setInterval(() => utimes(lock, new Date(), new Date()).catch(() => {}), HEARTBEAT_MS);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { force: true });
  }
}

async function take(lock: string, { signal, onWait, quietMs = QUIET_MS, sleep = pause }: LockOptions): Promise<void> {
  let [waitedMs, since, touched, told] = [0, 0, Number.NaN, false];
  while (!(await claim(lock))) {
    const owner = await ownerOf(lock);
    if (owner && owner.touchedMs !== touched) [touched, since] = [owner.touchedMs, waitedMs];
    if (owner && (isDead(owner) || waitedMs - since > DEAD_AFTER_MS)) {
      await rm(lock, { force: true });
      continue;
    }
    if (owner && waitedMs >= quietMs && !told) {
      told = true;
      onWait?.(
        `waiting for process ${owner.pid} on ${owner.host}, which holds ${lock}; if it has died, for ${DEAD_AFTER_MS / 1000} s at most`,
      );
    }
    await sleep(POLL_MS, signal);
    waitedMs += POLL_MS;
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

/** undefined where the lock has gone. */
async function ownerOf(lock: string): Promise<Owner | undefined> {
  const found = await stat(lock).catch(() => undefined);
  if (!found) return undefined;
  if (!found.isFile()) throw new NoticeError("network", `${lock} is no file, so no lock. Remove it.`);
  const [host = "", pid] = (await readFile(lock, "utf8").catch(() => "")).split(" ");
  return { host, pid: Number(pid), touchedMs: found.mtimeMs };
}

function isDead({ host, pid, touchedMs }: Owner): boolean {
  return Date.now() - touchedMs > DEAD_AFTER_MS || (host === hostname() && pid > 0 && !isAlive(pid));
}
