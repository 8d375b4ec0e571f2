import { NoticeError } from "../src/base/errors.js";
import type { Progress } from "../src/executors/browser/channel.js";
import { serve } from "../src/executors/browser/serve.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import type { Backend } from "../src/platform/backend.js";
import { type CircuitRead, type Comparison, compareCircuits } from "../src/study/compared.js";
import type { EvidenceAsked } from "./evidence.js";
import { onGpu } from "./gpu.js";
import { type ModelFiles, type ModelSource, modelFiles } from "./model-files.js";
import { Session } from "./session.js";
import type { GpuChoice, How, PairGiven } from "./shown.js";
import study from "./study.json" with { type: "json" };

// The model's own thread.

let files: ModelFiles;
let session: Session | undefined;
/** The pair that is asked about. */
let current: PairGiven | undefined;
/** Why the GPU is not used. */
let noGpu: string | undefined;

function opened(): Session {
  if (!session) throw new Error("The model has not been loaded.");
  return session;
}

const open = (backend: Backend) => Session.open(files, backend, study.weights);

const facts = () => ({ ...opened().facts, refused: files.refused, noGpu });

/** Another session takes the place of this one, with the same pair. */
async function take(other: Session): Promise<void> {
  if (current) await other.pair(current);
  session?.[Symbol.dispose]();
  session = other;
}

const WORKS = {
  async open([source]: [ModelSource], progress: Progress) {
    files = await modelFiles(source, progress);
    session = await open("wasm");
    return facts();
  },
  /** @param tried the pair by which wasm and the GPU are compared. */
  async gpu([tried, choice]: [PairGiven, GpuChoice]) {
    const found = await onGpu(opened(), () => open("webgpu"), tried, choice);
    noGpu = found.why;
    if (found.session) await take(found.session);
    return facts();
  },
  async withoutGpu(_: []) {
    if (opened().facts.backend === "webgpu") {
      noGpu = "it does not answer any more";
      await take(await open("wasm"));
    }
    return facts();
  },
  async pair([given]: [PairGiven]) {
    const found = await opened().pair(given);
    current = given;
    return found;
  },
  sweep: async (_: [], progress: Progress, signal: AbortSignal) => opened().sweep(progress, signal),
  look: async ([place]: [HeadPlace & { token: number }]) => opened().look(place),
  intervene: async ([heads, how, others, ids]: [HeadPlace[], How, PairGiven[], number[]]) =>
    opened().intervene(heads, how, others, ids),
  paths: async ([place]: [HeadPlace & { token: number }], progress: Progress, signal: AbortSignal) => {
    let done = 0;
    return opened().paths(place, () => progress(++done), signal);
  },
  evidence: async ([asked]: [EvidenceAsked], progress: Progress, signal: AbortSignal) =>
    opened().evidence(asked, progress, signal),
  async compare([runs, read]: [Comparison["runs"], CircuitRead[]]): Promise<Comparison> {
    const none = read.find(({ samples }) => samples === 0);
    if (none)
      throw new NoticeError(
        "options",
        `${runs[none.run]!.model} answers none of these scenes, or none by its picture: there is nothing to compare.`,
      );
    return compareCircuits(runs, read);
  },
  circuit: async ([others]: [PairGiven[]], progress: Progress, signal: AbortSignal) =>
    opened().circuit(others, progress, signal),
};

/** What each work is given, and what it finds. */
export type Works = typeof WORKS;

serve(WORKS);
