import { Option } from "commander";
import { NoticeError } from "../base/errors.js";
import type { Executor } from "../executors/executor.js";
import { loadedAs, type ModelOptions } from "./options.js";
import { say } from "./streams.js";

/** Where an address stands that nobody should read in a list of processes. */
const VARIABLE = "NOTICE_REDIS";

/** `--executor`, for commands that go through many samples. */
export const executorOption = (before = ""): Option =>
  new Option(
    "--executor <address>",
    `${before}deal the samples to \`notice worker\` through this Redis, redis://host:6379/0; redis alone: that of ${VARIABLE}`,
  );

/** @throws NoticeError `options` where neither the option nor the variable says it. */
export function addressOf(given: string | undefined): string {
  const address = given === undefined || given === "redis" ? process.env[VARIABLE] : given;
  if (!address)
    throw new NoticeError(
      "options",
      `Say where the Redis is: redis://host:6379/0 here, or in the variable ${VARIABLE}.`,
    );
  return address;
}

/** @throws NoticeError `options`, also for options of processes; `network` */
export async function openQueueAt(
  address: string,
  checkpoint: { readonly folder: string; readonly model: string },
  { backend, workers, signal, ...as }: ModelOptions & { readonly workers?: number; readonly signal: AbortSignal },
): Promise<Executor> {
  if (workers !== undefined)
    throw new NoticeError("options", "--workers is said to each `notice worker`, as --concurrency; leave it out here.");
  const { startQueue } = await import("../executors/queue.js");
  const chosen = backend === "auto" ? undefined : backend;
  return startQueue(addressOf(address), checkpoint, {
    ...(chosen && { backend: chosen }),
    ...loadedAs(as),
    ...{ warn: say, signal },
  });
}
