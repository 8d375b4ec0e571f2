import { isRecoverable, NoticeError } from "../base/errors.js";
import { oneByOne } from "../base/one-by-one.js";
import { JOBS, type JobName, type Jobs } from "../jobs/jobs.js";
import { forgetPairs } from "../jobs/last-pairs.js";
import type { Model } from "../patching/model.js";
import { Executor, type Outcome } from "./executor.js";

class InProcess extends Executor {
  protected readonly width = 1;
  readonly #closed = new AbortController();
  readonly #working = oneByOne();

  constructor(private readonly model: Model) {
    super();
  }

  get backend() {
    return this.model.backend;
  }

  protected async performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    return this.#working(() => this.#outcomeOf(name, input, signal));
  }

  async #outcomeOf<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    try {
      either.throwIfAborted();
      return { output: await JOBS[name].perform(this.model, input, () => either.throwIfAborted()) };
    } catch (error) {
      if (either.aborted || !isRecoverable(error)) throw error;
      return { error };
    } finally {
      if (this.#closed.signal.aborted) forgetPairs(this.model);
    }
  }

  async close(reason: unknown = new NoticeError("disposed", "The executor was closed; make another one.")) {
    this.#closed.abort(reason);
    forgetPairs(this.model);
  }
}

/** Performs jobs here, one after the other, with a model that stays the caller's. */
export function inProcess(model: Model): Executor {
  return new InProcess(model);
}
