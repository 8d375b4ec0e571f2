import type { Asked, Told } from "./messages.js";
import type { Works } from "./worker.js";

type Args<Name extends keyof Works> = Parameters<Works[Name]>[0];
type Found<Name extends keyof Works> = Awaited<ReturnType<Works[Name]>>;

export interface AskOptions {
  readonly onProgress?: (...values: never[]) => void;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly resolve: (found: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress?: AskOptions["onProgress"];
}

/** The page's end of the worker. */
export class Client {
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #lost: Error | undefined;

  /** @param onLost where the worker died; then another client is to be made. */
  constructor(
    private readonly worker: Worker,
    onLost: (error: Error) => void,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Told>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#lost = new Error(`The model has stopped (${event.message || "its thread is gone"}).`);
      for (const { reject } of this.#waiting.values()) reject(this.#lost);
      this.#waiting.clear();
      onLost(this.#lost);
    };
  }

  /** Has the worker do something. @throws what went wrong there; an AbortError where `signal` ended it */
  ask<Name extends keyof Works>(name: Name, args: Args<Name>, options: AskOptions = {}): Promise<Found<Name>> {
    if (this.#lost) return Promise.reject(this.#lost);
    const id = ++this.#asked;
    const found = new Promise<Found<Name>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, ...options });
    });
    options.signal?.addEventListener("abort", () => this.#post({ id, name: "cancel", args: [] }));
    this.#post({ id, name, args });
    return found;
  }

  #post(asked: Asked): void {
    this.worker.postMessage(asked);
  }

  #take({ id, progress, result, error }: Told): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (progress) {
      waiting.onProgress?.(...(progress as never[]));
      return;
    }
    this.#waiting.delete(id);
    if (error) waiting.reject(Object.assign(new Error(error.message), { name: error.name }));
    else waiting.resolve(result as never);
  }
}
