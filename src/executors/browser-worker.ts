import { isRecoverable, NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { LoadOptions } from "../model/load.js";
import type { Backend } from "../platform/backend.js";
import { Channel } from "./browser/channel.js";
import { typed } from "./browser/plain.js";
import type { JobWorks } from "./browser/worker.js";
import { Executor, type Outcome } from "./executor.js";

/** How a worker is opened. */
export interface OpenWorkerOptions extends Omit<LoadOptions, "hub"> {
  /** Ends the worker, as `close` does. */
  readonly signal?: AbortSignal;
}

const KEYS = keysOf<OpenWorkerOptions>({
  ...{ backend: true, memory: true, warn: true, split: true, bits: true, signal: true },
});

/** While one job is done the next one is on its way. */
const LOOK_AHEAD = 2;

/**
 * A Web Worker that holds a model and performs jobs, so that the page stays alive meanwhile. A worker that is lost is
 * not replaced: all that waits for it rejects with a NoticeError of code `worker`, and another one is to be opened.
 */
export class BrowserWorker extends Executor {
  protected readonly width = LOOK_AHEAD;
  readonly #channel: Channel<JobWorks>;
  readonly #options: OpenWorkerOptions;

  /** `openWorker` makes it. */
  constructor(
    channel: Channel<JobWorks>,
    options: OpenWorkerOptions,
    readonly backend: Backend,
  ) {
    super();
    this.#channel = channel;
    this.#options = options;
  }

  protected async performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    try {
      const asked = { signal, onProgress: this.#options.warn };
      return { output: typed(await this.#channel.ask("perform", [name, input], asked)) as Jobs[Name]["output"] };
    } catch (error) {
      if (signal.aborted || this.#channel.ended) throw error;
      if (isRecoverable(error)) return { error };
      // Its backend may be in any state.
      throw this.#channel.lose((error as Error).message);
    }
  }

  /** Ends the worker. What is in work then rejects with `reason`. */
  async close(
    reason: unknown = new NoticeError("disposed", "The worker was closed; open another one."),
  ): Promise<void> {
    this.#channel.close(reason);
  }
}

/**
 * Opens a Web Worker with a model. Addresses of models and pictures start at the page's.
 *
 * @param model the address of a checkpoint's folder: "weights/scenes",
 * "https://huggingface.co/Salesforce/blip-vqa-base/resolve/main".
 * @throws NoticeError `options` also where there are no workers, as in Node; `worker` where it does not start; as
 * `loadModel`; the reason of `signal`.
 * @example await using worker = await openWorker("weights/scenes");
 */
export async function openWorker(model: string, options: OpenWorkerOptions = {}): Promise<BrowserWorker> {
  checkShape("openWorker", options, { such: '{ backend: "wasm" }', keys: KEYS });
  const { signal, warn, ...load } = options;
  signal?.throwIfAborted();
  if (typeof Worker === "undefined")
    throw new NoticeError("options", "There are no Web Workers here; in Node take `openPool` of vlm-notice/pool.");
  const worker = new Worker(new URL("../browser/worker.js", import.meta.url), { type: "module" });
  const channel = new Channel<JobWorks>(worker);
  signal?.addEventListener("abort", () => channel.close(signal.reason));
  try {
    const backend = await channel.ask("open", { ...load, model, page: document.baseURI }, { onProgress: warn });
    return new BrowserWorker(channel, options, backend);
  } catch (error) {
    channel.close(error);
    throw error;
  }
}
