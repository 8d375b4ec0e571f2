import { availableParallelism } from "node:os";
import { checkOptions, NoticeError } from "../base/errors.js";
import { mapStream, type Source } from "../base/stream.js";
import { resolveModel } from "../files/hub.js";
import { availableMemory } from "../files/memory.js";
import type { LoadOptions } from "../model/load.js";
import type { Asked, PairInput } from "../patching/inputs.js";
import type { AskResult } from "../patching/model.js";
import type { Scores } from "../patching/scores.js";
import type { Backend } from "../platform/backend.js";
import type {
  Method,
  PoolSweep,
  Setup,
  StudyPair,
  StudyResult,
  SweepResult,
  Task,
  VerifyPair,
  VerifyResult,
} from "./messages.js";
import type { MethodName, Methods } from "./methods.js";
import type { TaskOutcome } from "./worker-process.js";
import { Workers } from "./workers.js";

export type { Source } from "../base/stream.js";
export type { AnswerAttention } from "../patching/answer-attention.js";
export type { Asked } from "../patching/inputs.js";
export type {
  PairResult,
  PoolSweep,
  StudyPair,
  StudyResult,
  SweepResult,
  VerifyPair,
  VerifyResult,
} from "./messages.js";
export type {
  FaithfulAsked,
  FaithfulFound,
  MethodName,
  Methods,
  PairFacts,
  PathsAsked,
  PathsFound,
  Sendable,
} from "./methods.js";
export { WorkerError } from "./worker-process.js";

/** A bound on `workers`: more are a slip. */
const MOST_WORKERS = 1024;

/** Pairs ahead of whoever takes the results, a worker: one in work and one that waits, so that no worker does. */
const LOOK_AHEAD = 2;

/** How many processes, and what they may take; beside these, what loading a model takes. */
export interface PoolOptions extends LoadOptions {
  /** Processes. Default: as many as cores, or as many of them as the memory is enough for. */
  readonly workers?: number;
  /** Bytes that all workers together may take; each gets an equal part. Default: what the machine has available. */
  readonly memory?: number;
  /** Ends the pool and all its processes at once; what is in work then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Tensors that a worker makes before another one takes its place. */
  readonly recycleAfter?: number;
}

const ORDERED = "{ ordered: true }";

/** In which order results come. */
export interface PoolSweepOptions {
  /** Results in the order of the pairs. Default: as they finish. */
  readonly ordered?: boolean;
}

/**
 * What became of one pair or question. `error` is what the model refused in it, or that two processes died of it (its code is
 * then `worker`).
 */
export type PoolResult<Key, Value> =
  | ({ readonly key: Key; readonly error?: undefined } & Value)
  | ({ readonly key: Key; readonly error: NoticeError } & { readonly [name in keyof Value]?: undefined });

/**
 * Processes that each hold the model, and to which pairs are dealt out. A process that dies, be it of a native backend's
 * abort, is replaced, and what it was doing is done once more. Dispose of it after use: that ends the processes, which
 * also end when this one does.
 *
 * Every process reads the weights by itself. They share the file's pages in the system's cache, and no more: a backend keeps
 * weights in memory of its own (wasm in its heap, packed for XNNPACK; TensorFlow in its buffers), which it cannot map
 * from outside.
 */
export class Pool implements AsyncDisposable {
  readonly #processes: Workers;

  private constructor(
    /** How many processes. */
    readonly workers: number,
    setup: Setup,
    private readonly options: PoolOptions,
  ) {
    this.#processes = new Workers(workers, setup, options);
    options.signal?.addEventListener("abort", this.#abort);
  }

  /**
   * What `openPool` calls.
   *
   * @throws NoticeError `options`, and as `loadBlip`; `worker` where no process survives loading the model.
   */
  static async open(model: string, options: PoolOptions = {}): Promise<Pool> {
    checkOptions("openPool", options);
    const { workers, backend, memory = availableMemory(), hub, signal } = options;
    if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS))
      throw new NoticeError("options", `workers is ${workers}; a whole number from 1 to ${MOST_WORKERS} was expected.`);
    const folder = await resolveModel(model, { ...hub, signal: hub?.signal ?? signal });
    const most = workers ?? availableParallelism();
    for (let count = most; ; count = Math.floor(count / 2)) {
      signal?.throwIfAborted();
      const pool = new Pool(count, { folder, model, backend, memory: Math.floor(memory / count) }, options);
      try {
        // After a refusal one process is enough to ask again.
        if (count < most) await pool.#processes.start(1);
        await pool.#processes.start();
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

  /** What the workers compute with. */
  get backend(): Backend {
    return this.#processes.backend;
  }

  /** The running processes. */
  get pids(): number[] {
    return this.#processes.pids;
  }

  /**
   * Sweeps pairs as they are read; `sweeps` are done of each, on the same two runs. No more than two pairs a worker
   * are ahead of whoever takes the results, so the list may be endless. What is in work when the taker stops is finished
   * for nobody.
   *
   * @param pairs each with a key, which comes back with its result. Paths of pictures start at the directory in which the pool
   * was opened.
   * @throws NoticeError `worker` where a process cannot be replaced, `options` where a pair cannot be sent to it, `disposed`; what `pairs`
   * throws. What is wrong with one pair is in its result.
   * @example for await (const { key, scores, error } of pool.sweep(pairs, { site: "text.cross.z" })) …
   */
  async *sweep<Key>(
    pairs: Source<{ readonly key: Key } & PairInput>,
    sweeps: PoolSweep | readonly PoolSweep[],
    options: PoolSweepOptions = {},
  ): AsyncGenerator<PoolResult<Key, { readonly scores: readonly Scores[] }>, void, undefined> {
    checkOptions("Pool.sweep", options, ORDERED);
    const list = [sweeps].flat();
    for (const one of list) checkOptions("a sweep", one, "{ site }");
    if (list.length === 0)
      throw new NoticeError("options", "An empty list of sweeps finds out nothing; give at least one.");
    // TensorFlow.js comes with it, which nobody waits for while workers compute.
    const tables = import("../patching/scores.js");
    const task = (pair: PairInput): Task => ({ name: "sweep", input: { pair: onlyPair(pair), sweeps: list } });
    for await (const { key, output, error } of this.#results(pairs, task, options.ordered))
      if (error) yield { key, error };
      else yield { key, scores: (output as readonly SweepResult[]).map((await tables).Scores.from) };
  }

  /**
   * Asks one thing of every pair: attributions (of which `Scores.from` makes tables), paths, faithfulness of heads, effects of heads.
   *
   * @throws as `sweep`
   */
  async *measure<Key, Name extends MethodName>(
    pairs: Source<{ readonly key: Key } & PairInput>,
    name: Name,
    asked: Methods[Name]["asked"],
    options: PoolSweepOptions = {},
  ): AsyncGenerator<PoolResult<Key, { readonly found: Methods[Name]["found"] }>, void, undefined> {
    checkOptions(`Pool.measure of ${name}`, asked, "{}");
    checkOptions("Pool.measure", options, ORDERED);
    const method = { name, asked } as Method;
    const task = (pair: PairInput): Task => ({ name: "measure", input: { pair: onlyPair(pair), method } });
    for await (const { key, output, error } of this.#results(pairs, task, options.ordered))
      yield error ? { key, error } : { key, found: output as Methods[Name]["found"] };
  }

  /**
   * Every sweep of every pair of each sample: corruptions of one question about one picture.
   *
   * @throws as `sweep`
   */
  async *study<Key>(
    samples: Source<{ readonly key: Key; readonly pairs: readonly StudyPair[] }>,
  ): AsyncGenerator<PoolResult<Key, { readonly result: StudyResult }>, void, undefined> {
    const task = ({ pairs }: { readonly pairs: readonly StudyPair[] }): Task => ({ name: "study", input: { pairs } });
    for await (const { key, output, error } of this.#results(samples, task))
      yield error ? { key, error } : { key, result: output as StudyResult };
  }

  /**
   * Tests circuits on pairs of each sample.
   *
   * @throws as `sweep`
   */
  async *verify<Key>(
    samples: Source<{ readonly key: Key; readonly pairs: readonly VerifyPair[] }>,
  ): AsyncGenerator<PoolResult<Key, { readonly results: readonly VerifyResult[] }>, void, undefined> {
    const task = ({ pairs }: { readonly pairs: readonly VerifyPair[] }): Task => ({ name: "verify", input: { pairs } });
    for await (const { key, output, error } of this.#results(samples, task))
      yield error ? { key, error } : { key, results: output as readonly VerifyResult[] };
  }

  /**
   * Asks questions about pictures, as `Model.ask` does.
   *
   * @throws as `sweep`
   */
  async *ask<Key>(
    questions: Source<{ readonly key: Key } & Asked>,
    options: PoolSweepOptions & { readonly top?: number } = {},
  ): AsyncGenerator<PoolResult<Key, { readonly answer: AskResult }>, void, undefined> {
    checkOptions("Pool.ask", options, ORDERED);
    const { top, ordered } = options;
    const task = ({ image, question }: Asked): Task => ({ name: "ask", input: { asked: { image, question }, top } });
    for await (const { key, output, error } of this.#results(questions, task, ordered))
      yield error ? { key, error } : { key, answer: output as AskResult };
  }

  /** Ends all processes; resolves when they are gone. What is in work then rejects with `reason`. */
  async close(reason: unknown = new NoticeError("disposed", "The pool was closed; open another one.")): Promise<void> {
    this.options.signal?.removeEventListener("abort", this.#abort);
    await this.#processes.close(reason);
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #results<Key, Item>(
    items: Source<{ readonly key: Key } & Item>,
    task: (item: Item) => Task,
    ordered = false,
  ): AsyncGenerator<{ readonly key: Key } & TaskOutcome, void, undefined> {
    const work = async (item: { readonly key: Key } & Item, signal: AbortSignal) => ({
      key: item.key,
      ...(await this.#processes.perform(task(item), signal)),
    });
    return mapStream(items, work, { width: LOOK_AHEAD * this.workers, ordered });
  }

  readonly #abort = () => void this.close(this.options.signal!.reason);
}

/** Without what a list holds beside it. */
function onlyPair({ image, corruptImage, question, corruptQuestion, answers }: PairInput): PairInput {
  return { image, corruptImage, question, corruptQuestion, answers } as PairInput;
}

/**
 * Starts a pool of processes with a model each.
 *
 * @param model a folder or a hub id; what has to be downloaded is downloaded here, once.
 * @throws as `Pool.open`
 * @example await using pool = await openPool("weights/scenes", { workers: 4 });
 */
export async function openPool(model: string, options: PoolOptions = {}): Promise<Pool> {
  return Pool.open(model, options);
}
