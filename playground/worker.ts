import type { HeadPlace } from "../src/patching/head-place.js";
import type { Asked, Told } from "./messages.js";
import { modelFiles } from "./model-files.js";
import { Session } from "./session.js";
import type { How, PairGiven } from "./shown.js";

// The model's own thread: one thing after the other, each under its number, until it is done or no longer wanted.

const scope = globalThis as unknown as {
  postMessage(told: Told): void;
  onmessage: ((event: { readonly data: Asked }) => void) | null;
};
const wanted = new Map<number, AbortController>();
let session: Promise<Session> | undefined;
let last: Promise<unknown> = Promise.resolve();

scope.onmessage = ({ data }) => {
  if (data.name === "cancel") {
    wanted.get(data.id)?.abort(new DOMException("It is no longer wanted.", "AbortError"));
    return;
  }
  const controller = new AbortController();
  wanted.set(data.id, controller);
  last = last.then(() => answer(data, controller.signal));
};

async function answer({ id, name, args }: Asked, signal: AbortSignal): Promise<void> {
  const progress = (...values: unknown[]) => scope.postMessage({ id, progress: values });
  try {
    signal.throwIfAborted();
    scope.postMessage({ id, result: await WORKS[name as keyof typeof WORKS](args as never, progress, signal) });
  } catch (error) {
    const { message, name } = error as Error;
    scope.postMessage({ id, error: signal.aborted ? { message: "", name: "AbortError" } : { message, name } });
  } finally {
    wanted.delete(id);
  }
}

type Progress = (...values: unknown[]) => void;

const opened = () => session ?? Promise.reject(new Error("The model has not been loaded."));

const WORKS = {
  async open([address]: [string], progress: Progress) {
    const files = await modelFiles(address, progress);
    session = Session.open(files, "wasm");
    return { ...(await session).facts, refused: files.refused };
  },
  pair: async ([given]: [PairGiven]) => (await opened()).pair(given),
  sweep: async (_: [], progress: Progress, signal: AbortSignal) => (await opened()).sweep(progress, signal),
  look: async ([place]: [HeadPlace & { token: number }]) => (await opened()).look(place),
  intervene: async ([heads, how, others, ids]: [HeadPlace[], How, PairGiven[], number[]]) =>
    (await opened()).intervene(heads, how, others, ids),
  circuit: async ([others]: [PairGiven[]], progress: Progress, signal: AbortSignal) =>
    (await opened()).circuit(others, progress, signal),
};

/** What each work is given, and what it finds. */
export type Works = typeof WORKS;
