import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { useBackend } from "../src/platform/backend.js";
import { plantedTables } from "./corruption/planted.js";
import { trainedTable } from "./corruption/trained.js";

// `npm run bench:corruption`: what corruptions of a picture or a question find. On planted circuits, whose heads are
// known: whether these are found, and false ones. On checkpoints that learned the scenes: how far from clean passes the
// corrupted ones are, and whether corruptions agree. The tables go to stdout and depend on the options alone; the time
// goes to stderr. --seed N (1000), --pairs N of a checkpoint (200), --tested N (50), --models N of each planted circuit
// and architecture (1), --planted-pairs N of each (12), --only planted or the folder of a checkpoint.

const CHECKPOINTS = ["weights/scenes", "weights/scenes-itm", "weights/scenes-caption", "weights/scenes-lm"];

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1000" },
    pairs: { type: "string", default: "200" },
    tested: { type: "string", default: "50" },
    models: { type: "string", default: "1" },
    "planted-pairs": { type: "string", default: "12" },
    only: { type: "string" },
  },
});
const seed = Number(values.seed);
const only = values.only;
const backend = await useBackend("wasm");

console.log(`seed ${seed}, ${backend}`);
const began = performance.now();
if (only === undefined || only === "planted")
  console.log(await plantedTables({ seed, models: Number(values.models), pairs: Number(values["planted-pairs"]) }));
for (const folder of CHECKPOINTS)
  if (only === undefined || only === folder)
    console.log(await trainedTable(folder, { seed, pairs: Number(values.pairs), tested: Number(values.tested) }));
const minutes = (performance.now() - began) / 60_000;
const core = process.cpuUsage();
console.error(
  `${minutes.toFixed(1)} minutes, ${((core.user + core.system) / 6e7).toFixed(1)} of one core; ${availableParallelism()} cores`,
);
