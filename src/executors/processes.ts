import { availableParallelism } from "node:os";
import { NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import { resolveModel } from "../files/hub.js";
import { availableMemory } from "../files/memory.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { LoadOptions } from "../model/load.js";
import type { Backend } from "../platform/backend.js";
import { Executor, type Outcome } from "./executor.js";
import type { Setup } from "./processes/messages.js";
import { Workers } from "./processes/workers.js";

/** Largest value of `workers`; more is a mistake. */
const MOST_WORKERS = 1024;

/** Pairs queued for each worker: one in work and one that waits, so that no worker is idle. */
const LOOK_AHEAD = 2;

/** How many processes, and what they may take; beside these, what loading a model takes. */
export interface PoolOptions extends LoadOptions {
  /**
   * Processes. Default: as many as cores, or as many of them as the memory is enough for. Those beyond one a core start
   * when there is work for them.
   */
  readonly workers?: number;
  /** Bytes that all workers together may take; each gets an equal part. Default: what the machine has available. */
  readonly memory?: number;
  /** Ends the pool and all its processes at once; what is in work then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Tensors that a worker makes before another one takes its place. */
  readonly recycleAfter?: number;
}

export const POOL_KEYS = keysOf<PoolOptions>({
  ...{ backend: true, memory: true, hub: true, warn: true, split: true, bits: true },
  ...{ workers: true, signal: true, recycleAfter: true },
});

/**
 * Several processes that each hold the model and share the pairs. A process that dies, even by a native backend's
 * abort, is replaced, and its task is done once more. Dispose of the pool after use, which ends the processes. They
 * also end when this process ends.
 *
 * Every process reads the weights by itself. They share the file's pages in the system's cache, and no more: a backend
 * keeps weights in memory of its own (wasm in its heap, TensorFlow in its buffers), which it cannot map from outside.
 */
export class Pool extends Executor {
  protected readonly width: number;
  readonly #processes: Workers;
  readonly #signal: AbortSignal | undefined;

  /** `openPool` makes it. */
  constructor(processes: Workers, signal: AbortSignal | undefined) {
    super();
    this.#processes = processes;
    this.#signal = signal;
    this.width = LOOK_AHEAD * processes.count;
    signal?.addEventListener("abort", this.#abort);
  }

  /** How many processes. */
  get workers(): number {
    return this.#processes.count;
  }

  /** What the workers compute with. */
  get backend(): Backend {
    return this.#processes.backend;
  }

  /** The running processes. */
  get pids(): number[] {
    return this.#processes.pids;
  }

  protected async performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    // TensorFlow.js comes with it, which nobody waits for while workers compute.
    const jobs = import("../jobs/jobs.js");
    const { output, error } = await this.#processes.perform({ name, input }, signal);
    return error ? { error } : { output: (await jobs).JOBS[name].receive(output) };
  }

  /** Ends all processes; resolves when they are gone. What is in work then rejects with `reason`. */
  async close(reason: unknown = new NoticeError("disposed", "The pool was closed; open another one.")): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#abort);
    await this.#processes.close(reason);
  }

  readonly #abort = () => void this.close(this.#signal!.reason);
}

/**
 * Starts a pool of processes with a model each.
 *
 * @param model a folder or a hub id; what has to be downloaded is downloaded here, once.
 * @throws NoticeError `options`, and as `loadModel`; `worker` where no process survives loading the model.
 * @example await using pool = await openPool("weights/scenes", { workers: 4 });
 */
export async function openPool(model: string, options: PoolOptions = {}): Promise<Pool> {
  checkShape("openPool", options, { such: "{ workers: 4 }", keys: POOL_KEYS });
  checkWorkers(options);
  const { hub, signal } = options;
  const folder = await resolveModel(model, { ...hub, signal: hub?.signal ?? signal });
  return startPool({ folder, model }, options);
}

function checkWorkers({ workers }: PoolOptions): void {
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS))
    throw new NoticeError("options", `workers is ${workers}; a whole number from 1 to ${MOST_WORKERS} was expected.`);
}

/** The same of a checkpoint that is on disk. @throws as `openPool` */
export async function startPool(
  { folder, model }: Pick<Setup, "folder" | "model">,
  options: PoolOptions = {},
): Promise<Pool> {
  checkWorkers(options);
  const { workers, backend, split, bits, memory = availableMemory(), signal } = options;
  const most = workers ?? availableParallelism();
  for (let count = most; ; count = Math.floor(count / 2)) {
    signal?.throwIfAborted();
    const processes = new Workers(
      count,
      { folder, model, backend, split, bits, memory: Math.floor(memory / count) },
      options,
    );
    const pool = new Pool(processes, signal);
    try {
      // After a refusal one process is enough to ask again.
      if (count < most) await processes.start(1);
      await processes.start();
      return pool;
    } catch (error) {
      await pool.close();
      signal?.throwIfAborted();
      const tooMany = count > 1 && error instanceof NoticeError && error.code === "memory";
      if (tooMany && workers !== undefined)
        throw new NoticeError("memory", `${error.message} Each of ${count} workers may take that much; use fewer.`);
      if (!tooMany) throw error;
    }
  }
}
