import { checkpointFolder } from "../src/files/folder.js";
import { readConfig } from "../src/model/architectures.js";
import { modelBytes } from "../src/model/memory.js";
import { loadModel } from "../src/patching/load-model.js";
import { type Backend, useBackend } from "../src/platform/backend.js";

// One process of `memory.ts`: loads a model, and prints what that took as a line of JSON. FOLDER BACKEND BITS

/** Bytes. */
export interface LoadingFigures {
  /** Of the weights, where each stands in memory once. */
  readonly weights: number;
  /** Peak RSS over what the process had before. */
  readonly peak: number;
}

const [folder, name, bits] = process.argv.slice(2) as [string, Backend, string];
const as = { bits: Number(bits) as 16 | 32 };
const backend = await useBackend(name);
const described = readConfig((await checkpointFolder(folder).text("config.json"))!, "config.json");
const before = process.memoryUsage.rss();
using _ = await loadModel(folder, { backend, split: false, ...as });
const peak = process.resourceUsage().maxRSS * 1024 - before;
// As `cpu` has them: once each, whatever a backend keeps beside them.
const { weights } = modelBytes(described, "cpu", as);
console.log(JSON.stringify({ weights, peak } satisfies LoadingFigures));
