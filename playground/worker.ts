import type { Progress } from "../src/executors/browser/channel.js";
import { serve } from "../src/executors/browser/serve.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import { modelFiles } from "./model-files.js";
import { Session } from "./session.js";
import type { How, PairGiven } from "./shown.js";
import study from "./study.json" with { type: "json" };

// The model's own thread.

let session: Promise<Session> | undefined;

const opened = () => session ?? Promise.reject(new Error("The model has not been loaded."));

const WORKS = {
  async open([address]: [string], progress: Progress) {
    const files = await modelFiles(address, progress);
    session = Session.open(files, "wasm", study.weights);
    return { ...(await session).facts, refused: files.refused };
  },
  pair: async ([given]: [PairGiven]) => (await opened()).pair(given),
  sweep: async (_: [], progress: Progress, signal: AbortSignal) => (await opened()).sweep(progress, signal),
  look: async ([place]: [HeadPlace & { token: number }]) => (await opened()).look(place),
  intervene: async ([heads, how, others, ids]: [HeadPlace[], How, PairGiven[], number[]]) =>
    (await opened()).intervene(heads, how, others, ids),
  paths: async ([place]: [HeadPlace & { token: number }], progress: Progress, signal: AbortSignal) => {
    let done = 0;
    return (await opened()).paths(place, () => progress(++done), signal);
  },
  circuit: async ([others]: [PairGiven[]], progress: Progress, signal: AbortSignal) =>
    (await opened()).circuit(others, progress, signal),
};

/** What each work is given, and what it finds. */
export type Works = typeof WORKS;

serve(WORKS);
