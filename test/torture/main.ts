import { parseArgs } from "node:util";
import { maySkip } from "../support/needed.js";
import { hasRedis } from "../support/redis.js";
import { queueSummary, tortureQueue } from "./queue.js";
import { summaryOf, tortureAll } from "./torture.js";

// `npm run torture -- --kills N --seed S`: kills studies, downloads, merges and exports at random moments, goes on, and
// compares every row. `--only JOB` kills one of them. `--queue N` instead disturbs studies through a Redis N times;
// `--pause SECONDS` is how long that stops at the longest.

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    queue: { type: "string" },
    pause: { type: "string", default: "4" },
  },
});
const [kills, seed, pause] = [Number(values.queue ?? values.kills), Number(values.seed), Number(values.pause)];
if (!(Number.isSafeInteger(kills) && Number.isSafeInteger(seed) && kills > 0 && pause > 0))
  throw new Error("--kills, --queue and --seed are whole numbers, --pause is in seconds");
if (values.queue === undefined) await kill();
else if (hasRedis()) await disturb();
else if (maySkip("redis")) process.stdout.write("There is no redis-server; skipped.\n");
else throw new Error("There is no redis-server; NOTICE_MAY_SKIP=redis allows to skip what needs it.");

async function kill(): Promise<void> {
  const begun = performance.now();
  const tallies = await tortureAll(kills, seed, values.only);
  const found = tallies.reduce((sum, { findings }) => sum + findings.length, 0);
  const done = tallies.reduce((sum, { kills }) => sum + kills, 0);
  end(`${summaryOf(tallies)}${done} kills`, found, begun);
}

async function disturb(): Promise<void> {
  const begun = performance.now();
  const onRound = (said: string) => void process.stderr.write(`${said}\n`);
  const tally = await tortureQueue(kills, seed, { long: 1000 * pause, onRound });
  const done = Object.values(tally.faults).reduce((sum, count) => sum + count, 0);
  end(`${queueSummary(tally)}${done} faults`, tally.findings.length, begun);
}

function end(said: string, found: number, begun: number): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  process.stdout.write(`${said}, ${found} findings in ${seconds} s, seed ${seed}\n`);
  process.exitCode = found > 0 ? 1 : 0;
}
