import { parseArgs } from "node:util";
import { summaryOf, tortureAll } from "./torture.js";

// `npm run torture -- --kills N --seed S`: kills studies, downloads, merges and exports at random moments, goes on, and
// compares every row. `--only JOB` kills one of them.

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!(Number.isSafeInteger(kills) && Number.isSafeInteger(seed) && kills > 0))
  throw new Error("--kills and --seed are whole numbers");
const begun = performance.now();
const tallies = await tortureAll(kills, seed, values.only);
const found = tallies.reduce((sum, { findings }) => sum + findings.length, 0);
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
const done = tallies.reduce((sum, { kills }) => sum + kills, 0);
process.stdout.write(`${summaryOf(tallies)}${done} kills, ${found} findings in ${seconds} s, seed ${seed}\n`);
process.exitCode = found > 0 ? 1 : 0;
