import { checkOptions, NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import { mapStream, type Source } from "../base/stream.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { SweepAsked } from "../jobs/sweep.js";
import type { AskResult } from "../patching/choices.js";
import type { Asked, AskedEdited, PairInput } from "../patching/inputs.js";
import type { Scores } from "../patching/scores.js";
import type { Backend } from "../platform/backend.js";

/** In which order results come, and until when. */
export interface OrderOptions {
  /** Results in the order of what was given. Default: as they finish. */
  readonly ordered?: boolean;
  /** Ends it: its reason is thrown at once. What is in work ends at its next pass, or is done in vain. */
  readonly signal?: AbortSignal | undefined;
}

/** What a job found, or what was wrong with its input. */
export type Outcome<Output> =
  | { readonly output: Output; readonly error?: undefined }
  | { readonly output?: undefined; readonly error: NoticeError };

/**
 * The result of one pair or question, or its error: the model refused the input, or it crashed two processes (code
 * `worker`).
 */
export type KeyedResult<Key, Value> =
  | ({ readonly key: Key; readonly error?: undefined } & Value)
  | ({ readonly key: Key; readonly error: NoticeError } & { readonly [name in keyof Value]?: undefined });

const ORDERED = { such: "{ ordered: true }", keys: keysOf<OrderOptions>({ ordered: true, signal: true }) };

/** Performs jobs. An executor of its own kind says how one job is performed, and how many at a time. */
export abstract class Executor implements AsyncDisposable {
  /** What computes. */
  abstract readonly backend: Backend;
  /** Jobs that are begun before the first result is taken. */
  protected abstract readonly width: number;

  /**
   * Performs one job. An error that lies in its input is an outcome; any other is thrown.
   *
   * @param signal aborts when the result is no longer needed.
   */
  protected abstract performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>>;

  /** Ends what is in work; that then rejects with `reason`. */
  abstract close(reason?: unknown): Promise<void>;

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Performs a job on every input as it is read. Inputs are read only as processes become free, so the list may be
   * endless. If the caller stops early, results of jobs in work are discarded.
   *
   * @param inputs plain data, each with a key that comes back with its result.
   * @throws NoticeError `worker` where a process cannot be replaced, `options` where an input cannot be sent to it,
   * `disposed`; what `inputs` throws; the reason of `signal`. What is wrong with one input is in its result.
   */
  async *perform<Key, Name extends JobName>(
    name: Name,
    inputs: Source<{ readonly key: Key; readonly input: Jobs[Name]["input"] }>,
    options: OrderOptions = {},
  ): AsyncGenerator<{ readonly key: Key } & Outcome<Jobs[Name]["output"]>, void, undefined> {
    checkShape("Executor.perform", options, ORDERED);
    const { ordered = false, signal: own } = options;
    const work = async (
      { key, input }: { readonly key: Key; readonly input: Jobs[Name]["input"] },
      stopped: AbortSignal,
    ) => {
      const signal = own ? AbortSignal.any([own, stopped]) : stopped;
      return { key, ...(await unlessAborted(this.performOne(name, input, signal), own)) };
    };
    yield* mapStream(inputs, work, { width: this.width, ordered });
  }

  /**
   * Sweeps pairs as they are read; `sweeps` are done of each, on the same two runs.
   *
   * @param pairs paths of pictures start at the directory in which the executor was opened.
   * @throws as `perform`
   * @example for await (const { key, scores, error } of pool.sweep(pairs, { site: "text.cross.z" })) …
   */
  async *sweep<Key>(
    pairs: Source<{ readonly key: Key } & PairInput>,
    sweeps: SweepAsked | readonly SweepAsked[],
    options: OrderOptions = {},
  ): AsyncGenerator<KeyedResult<Key, { readonly scores: readonly Scores[] }>, void, undefined> {
    const list = [sweeps].flat();
    for (const one of list) checkOptions("a sweep", one, "{ site }");
    if (list.length === 0)
      throw new NoticeError("options", "An empty list of sweeps finds out nothing; give at least one.");
    const inputs = each(pairs, (pair) => ({ pair: onlyPair(pair), sweeps: list }));
    for await (const { key, output, error } of this.perform("sweep", inputs, options))
      yield error ? { key, error } : { key, scores: output };
  }

  /**
   * Asks questions about pictures, as `Model.ask` does.
   *
   * @throws as `perform`
   */
  async *ask<Key>(
    questions: Source<{ readonly key: Key } & Asked>,
    options: OrderOptions & { readonly top?: number } = {},
  ): AsyncGenerator<KeyedResult<Key, { readonly answer: AskResult }>, void, undefined> {
    checkShape("Executor.ask", options, { ...ORDERED, keys: [...ORDERED.keys, "top"] });
    const { top, ...order } = options;
    // Edits are functions: sent to another process, they are refused there rather than dropped here.
    const inputs = each(questions, ({ image, question, edits }: AskedEdited) => ({
      asked: { image, question, ...(edits && { edits }) },
      top,
    }));
    for await (const { key, output, error } of this.perform("ask", inputs, order))
      yield error ? { key, error } : { key, answer: output };
  }
}

/** @throws the reason of a signal as soon as it aborts; what `work` throws. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return work;
  work.catch(() => {}); // it may fail when nobody waits any more
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop!);
  }
}

/** Each item's key, and the input that it makes. */
export async function* each<Key, Item, Input>(
  items: Source<{ readonly key: Key } & Item>,
  inputOf: (item: Item) => Input,
): AsyncGenerator<{ readonly key: Key; readonly input: Input }> {
  for await (const item of items) yield { key: item.key, input: inputOf(item) };
}

/** Without what a list holds beside it. */
function onlyPair({ image, corruptImage, question, corruptQuestion, answers, at }: PairInput): PairInput {
  return { image, corruptImage, question, corruptQuestion, answers, at } as PairInput;
}
