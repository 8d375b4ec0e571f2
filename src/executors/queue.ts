import { checkShape, keysOf } from "../base/options.js";
import { resolveModel } from "../files/hub.js";
import type { Executor } from "./executor.js";
import type { QueueOptions } from "./redis/executor.js";

const QUEUE_KEYS = keysOf<QueueOptions>({ backend: true, split: true, bits: true, warn: true, signal: true });

/**
 * An executor whose jobs are done by whoever takes them from a Redis: `notice worker` on any machine, or `serveQueue`.
 * It needs the packages `bullmq` and `ioredis`.
 *
 * Results are those of one process with the same backend: pictures travel by their digest, a worker with another model,
 * version or backend takes no job, and a job that is done twice gives one result.
 *
 * @param url `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS.
 * @param model a folder or hub id by which workers find it too, unless they say where it is.
 * @throws NoticeError `options` where the packages are missing or that is no address; `network` where no Redis answers;
 * as `loadModel`.
 * @example await using queue = await openQueue("redis://localhost:6379/0", "weights/scenes");
 */
export async function openQueue(url: string, model: string, options: QueueOptions = {}): Promise<Executor> {
  checkShape("openQueue", options, { such: '{ backend: "wasm" }', keys: QUEUE_KEYS });
  return startQueue(url, { folder: await resolveModel(model, { signal: options.signal }), model }, options);
}

/** The same of a checkpoint that is on disk. */
export async function startQueue(
  url: string,
  checkpoint: { readonly folder: string; readonly model: string },
  options: QueueOptions = {},
): Promise<Executor> {
  const { QueueExecutor } = await import("./redis/executor.js");
  return QueueExecutor.open(url, checkpoint, options);
}
