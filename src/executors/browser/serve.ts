import { NoticeError } from "../../base/errors.js";
import type { Asked, Told, Works } from "./channel.js";

/** In a worker: does what its page asks, one thing after the other, each until it is done or no longer wanted. */
export function serve(works: Works): void {
  const scope = globalThis as unknown as {
    postMessage(told: Told): void;
    onmessage: ((event: { readonly data: Asked }) => void) | null;
  };
  const wanted = new Map<number, AbortController>();
  let last: Promise<unknown> = Promise.resolve();

  async function answer({ id, name, args }: Asked, signal: AbortSignal): Promise<void> {
    const progress = (...values: unknown[]) => scope.postMessage({ id, progress: values });
    try {
      signal.throwIfAborted();
      scope.postMessage({ id, result: await works[name]!(args as never, progress, signal) });
    } catch (error) {
      const { message, name } = error as Error;
      const code = error instanceof NoticeError ? { code: error.code } : {};
      scope.postMessage({ id, error: { message, name, ...code } });
    } finally {
      wanted.delete(id);
    }
  }

  scope.onmessage = ({ data }) => {
    if (data.name === "cancel") {
      wanted.get(data.id)?.abort();
      return;
    }
    const controller = new AbortController();
    wanted.set(data.id, controller);
    last = last.then(() => answer(data, controller.signal));
  };
}
