import type { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { NoticeError } from "../../base/errors.js";
import { PREFIX } from "./protocol.js";

// BullMQ and ioredis are optional: they are loaded when a Redis is first asked for.

/** A Redis, and the queue on it. */
export interface Connection {
  readonly redis: Redis;
  /** Its address without the password. */
  readonly place: string;
  queue(name: string): Queue;
  worker(name: string, process: NonNullable<ConstructorParameters<typeof Worker>[1]>, options: WorkerOptions): Worker;
  /** A second connection to it. */
  duplicate(): Redis;
  close(): Promise<void>;
}

/** How many jobs a worker holds, and for how long without a word. */
interface WorkerOptions {
  readonly concurrency: number;
  readonly lockMs: number;
}

/** A job that so many workers died of is given up. */
const MOST_STALLS = 5;

/**
 * @param url `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
 * @param warn hears when it cannot be reached, and when it is back.
 * @throws NoticeError `options` for another address, or where BullMQ is not installed; `network` where nothing answers.
 */
export async function connect(url: string, warn: (message: string) => void): Promise<Connection> {
  const place = placeOf(url);
  const [{ Queue, Worker }, { Redis }] = await load();
  // Commands wait while it is away, and are sent once it is back.
  const make = () =>
    new Redis(url, {
      maxRetriesPerRequest: null,
      lazyConnect: true,
      retryStrategy: (times) => Math.min(200 * times, 2000),
    });
  const redis = make();
  const opened: Redis[] = [redis];
  redis.on("error", () => {}); // a rejected command, or the end of the connection, tells
  await reach(redis, place);
  watch(redis, place, warn);
  const duplicate = () => {
    const other = make();
    other.on("error", () => {}); // the first one tells
    opened.push(other);
    return other;
  };
  return {
    redis,
    place,
    duplicate,
    queue: (name) =>
      // Nobody reads BullMQ's stream of events.
      new Queue(name, { connection: redis, prefix: PREFIX, streams: { events: { maxLen: 10 } } }),
    worker: (name, process, { concurrency, lockMs }) =>
      new Worker(name, process, {
        connection: duplicate(),
        prefix: PREFIX,
        concurrency,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        maxStalledCount: MOST_STALLS,
      }),
    async close() {
      for (const one of opened) one.disconnect();
    },
  };
}

/** The address as it may be printed. @throws NoticeError `options` */
export function placeOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    parsed = new URL("none:");
  }
  const { protocol, hostname, port, pathname } = parsed;
  if ((protocol !== "redis:" && protocol !== "rediss:") || !hostname || !/^(\/\d{0,4})?$/.test(pathname))
    throw new NoticeError(
      "options",
      "That is no address of a Redis; redis://host:6379/0 was expected, or rediss://user:password@host:6380/0 with TLS.",
    );
  return `${protocol}//${hostname}${port && `:${port}`}${pathname}`;
}

async function load() {
  try {
    return await Promise.all([import("bullmq"), import("ioredis")]);
  } catch (cause) {
    throw new NoticeError("options", "A queue needs two more packages: `npm install bullmq ioredis`.", { cause });
  }
}

async function reach(redis: Redis, place: string): Promise<void> {
  // ioredis then says only that the connection is closed.
  let told: Error | undefined;
  const hear = (error: Error) => {
    told ??= error;
  };
  redis.on("error", hear);
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    // These words are those of the socket, or of Redis; neither has the password.
    const why = (told ?? (cause as Error)).message.replace(/\.$/, "");
    const todo = /certificate/.test(why)
      ? "Name the file of whoever signed its certificate in the variable NODE_EXTRA_CA_CERTS."
      : "Start one, or correct the address.";
    throw new NoticeError("network", `No Redis answers at ${place}: ${why}. ${todo}`, { cause });
  } finally {
    redis.off("error", hear);
  }
}

/** Says once that it is away, and once that it is back. */
function watch(redis: Redis, place: string, warn: (message: string) => void): void {
  let away = false;
  redis.on("close", () => {
    if (!away && redis.status !== "end") warn(`${place} is away; waiting for it to come back.`);
    away = true;
  });
  redis.on("ready", () => {
    if (away) warn(`${place} is back.`);
    away = false;
  });
}
