import { parseArgs } from "node:util";
import { checkpointFolder } from "../src/files/folder.js";
import { readConfig } from "../src/model/architectures.js";
import { modelBytes } from "../src/model/memory.js";
import { loadBlip } from "../src/patching/load-model.js";
import type { Site } from "../src/patching/sites.js";
import { sweep } from "../src/patching/sweep.js";
import { type Backend, useBackend } from "../src/platform/backend.js";
import { noisePair } from "./noise-pair.js";

// One process of `memory.ts`: a budget, and what the process then took. Prints its figures as a line of JSON.

/** Bytes. */
export interface MemoryFigures {
  /** That `loadBlip` was given. */
  readonly budget: number;
  /** Peak RSS over what the process had before it loaded the model: after the two passes, and after the sweep. */
  readonly passes: number;
  readonly sweep: number;
  /** Batches of the sweep: that the budget divided it. */
  readonly batches: number;
}

const { values, positionals } = parseArgs({
  options: {
    ...{ backend: { type: "string" }, site: { type: "string" }, left: { type: "string" } },
    bits: { type: "string", default: "32" },
  },
  allowPositionals: true,
});
const folder = positionals[0]!;
const backend = await useBackend(values.backend as Backend | undefined);
const described = readConfig((await checkpointFolder(folder).text("config.json"))!, "config.json");
const bits = Number(values.bits) as 16 | 32;
const { weights, working } = modelBytes(described, backend, { bits });
const budget = weights + working + Number(values.left);
const before = process.memoryUsage.rss();
const peak = () => process.resourceUsage().maxRSS * 1024 - before;
using blip = await loadBlip(folder, { backend, memory: budget, bits });
using pair = await noisePair(blip);
const passes = peak();
let batches = 0;
const onProgress = () => void batches++;
await sweep(pair, { site: values.site as Site, layers: [0], onProgress });
console.log(JSON.stringify({ budget, passes, sweep: peak(), batches } satisfies MemoryFigures));
