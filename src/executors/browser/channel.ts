import { NoticeError, type NoticeErrorCode } from "../../base/errors.js";

/** From a page to its worker. `cancel` says that nobody waits for that number any more. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly args?: unknown;
}

/** From the worker to the page. */
export interface Told {
  readonly id: number;
  readonly progress?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly name: string; readonly code?: NoticeErrorCode };
}

/** Tells the page how far a work is. */
export type Progress = (...values: unknown[]) => void;

/** What a worker does, by name. */
export type Works = Readonly<
  Record<string, (args: never, progress: Progress, signal: AbortSignal) => Promise<unknown>>
>;

/** How a work is asked for. */
export interface AskOptions {
  readonly onProgress?: ((...values: never[]) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting extends AskOptions {
  readonly resolve: (found: never) => void;
  readonly reject: (reason: unknown) => void;
}

/** A page's end of its worker. */
export class Channel<Of extends Works> {
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #ended: { readonly reason: unknown } | undefined;

  /** @param onLost is called where the worker is lost; another one is to be made then. */
  constructor(
    private readonly worker: Worker,
    private readonly onLost: (error: NoticeError) => void = () => {},
  ) {
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.lose(event.message || "its script cannot be loaded");
    };
  }

  /** Whether it is closed or lost. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Has the worker do something.
   *
   * @throws what went wrong there, a NoticeError as such; NoticeError `options` where the arguments cannot be sent,
   * `worker` where the worker is lost; the reason of `signal`, or of `close`.
   */
  async ask<Name extends keyof Of & string>(
    name: Name,
    args: Parameters<Of[Name]>[0],
    options: AskOptions = {},
  ): Promise<Awaited<ReturnType<Of[Name]>>> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#ended) throw this.#ended.reason;
    const id = ++this.#asked;
    const cancel = () => this.#post({ id, name: "cancel" });
    signal?.addEventListener("abort", cancel);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject, ...options });
        this.#post({ id, name, args });
      });
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Ends the worker as one that is in no state to go on. @param why in a few words. */
  lose(why: string): NoticeError {
    const message =
      `The model has stopped: its worker was lost (${why}). Open it again; where memory ran out, ` +
      "close other pages or take a smaller model.";
    const error = new NoticeError("worker", message);
    const before = this.ended;
    this.close(error);
    if (!before) this.onLost(error);
    return error;
  }

  /** Ends the worker. What is in work, and what is asked for later, rejects with the first `reason`. */
  close(reason: unknown): void {
    this.#ended ??= { reason };
    this.worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(this.#ended.reason);
  }

  #post(asked: Asked): void {
    try {
      this.worker.postMessage(asked);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new NoticeError("options", `That cannot be sent to a worker: ${why}. Give plain data.`, { cause });
    }
  }

  #take({ id, progress, result, error }: Told): void {
    const { resolve, reject, onProgress, signal } = this.#waiting.get(id) ?? {};
    if (progress) onProgress?.(...(progress as never[]));
    else if (!error) resolve?.(result as never);
    else if (signal?.aborted) reject?.(signal.reason);
    else reject?.(errorOf(error));
  }
}

function errorOf({ message, name, code }: NonNullable<Told["error"]>): Error {
  return code ? new NoticeError(code, message) : Object.assign(new Error(message), { name });
}
