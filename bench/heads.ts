import { parseArgs } from "node:util";
import { mean } from "../src/base/mean.js";
import { random } from "../src/base/random.js";
import { draw, sampleAt, type Task, tasks } from "../src/data/scenes/scene.js";
import { keptBy } from "../src/patching/faithful.js";
import { everyHead } from "../src/patching/head-effects.js";
import { type HeadAt, siteHeadName } from "../src/patching/head-place.js";
import { loadModel } from "../src/patching/load-model.js";
import type { Model } from "../src/patching/model.js";
import type { Pair } from "../src/patching/pair.js";
import { type CircuitSite, circuitSites, mainSites } from "../src/patching/sites.js";
import { sweep } from "../src/patching/sweep.js";
import { useBackend } from "../src/platform/backend.js";
import { columnMeans, table, withInterval } from "./corruption/figures.js";

// `npm run bench:heads -- MODEL…`: how concentrated the effects of single heads are in models that are asked about
// scenes, and how few heads keep the answer. Heads of the tower that reads the question; pictures are corrupted (SIP),
// clean values put back at all tokens. --pairs N of each task that heads are ranked on (200), --tested N others (50),
// --seed N (1000). The table goes to stdout and depends on the options alone; the time goes to stderr.

/** Of the sum of |effect|, and of the answer. */
const [SUM, ANSWER] = [0.8, 0.85];
const RANDOM_SETS = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "200" },
    tested: { type: "string", default: "50" },
    seed: { type: "string", default: "1000" },
  },
});
const [seed, pairs, tested] = [Number(values.seed), Number(values.pairs), Number(values.tested)];

/**
 * Pairs of a task whose clean picture is answered rightly, and whose answers the other picture changes by a logit or
 * more.
 */
async function* pairsOf(model: Model, task: Task, world: number, count: number): AsyncGenerator<Pair> {
  for (let i = 0, made = 0; made < count; i++) {
    const { scene, corrupt, question, answers } = sampleAt(task, world, i);
    using pair = await model.pair({
      image: draw(scene).picture,
      corruptImage: draw(corrupt).picture,
      question,
      answers,
    });
    const { clean, corrupted } = pair.readings;
    if (clean.logitDiff <= 0 || clean.logitDiff - corrupted.logitDiff < 1) continue;
    made++;
    yield pair;
  }
}

/** How many of the largest make up so much of the sum of all. */
function headsForSum(sizes: readonly number[]): number {
  const sorted = [...sizes].sort((a, b) => b - a);
  let left = SUM * sorted.reduce((sum, size) => sum + size, 0);
  return (
    sorted.findIndex((size) => {
      left -= size;
      return left <= 0;
    }) + 1
  );
}

/** How many heads keep the answer, however many more are added; `curve` begins at one head. */
const headsForAnswer = (curve: readonly number[]) => curve.findLastIndex((kept) => kept < ANSWER) + 2;

async function row(model: Model, folder: string, task: Task): Promise<string[]> {
  const sites = mainSites(model.architecture).filter((site): site is CircuitSite =>
    circuitSites(model.architecture).includes(site as CircuitSite),
  );
  const heads: HeadAt[] = [];
  const effects: number[][] = [];
  for await (const pair of pairsOf(model, task, seed, pairs)) {
    const own: number[] = [];
    for (const site of sites) {
      const scores = await sweep(pair, { site, together: true });
      own.push(...everyHead(pair, [site]).map(({ layer, head }) => scores.at("effect", layer, head)!));
    }
    if (heads.length === 0) heads.push(...everyHead(pair, sites));
    effects.push(own);
  }
  const sizesOf = (drawn: readonly number[]) => columnMeans(effects, drawn).map(Math.abs);
  const sizes = sizesOf([...effects.keys()]);
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]!);
  const sets = heads.map((_, size) => order.slice(0, size + 1).map((at) => heads[at]!));
  const fifth = Math.round(heads.length / 5);
  const choose = random(seed, "sets");
  const drawn = Array.from({ length: RANDOM_SETS }, () => choose.draw(heads, fifth));
  const curves: number[][] = [];
  const chance: number[] = [];
  for await (const pair of pairsOf(model, task, seed + 1, tested)) {
    const kept = await keptBy(pair, [...sets, ...drawn], { sites });
    curves.push(kept.slice(0, sets.length));
    chance.push(mean(kept.slice(sets.length)));
  }
  const interval = (items: number, of: (at: readonly number[]) => number) => withInterval(items, seed, of);
  const count = (items: number, of: (at: readonly number[]) => number) =>
    `${interval(items, of).replaceAll(".00", "")} of ${heads.length}`;
  return [
    folder,
    task,
    `${siteHeadName(heads[order[0]!]!)} ${interval(pairs, (at) => sizesOf(at)[order[0]!]!)}`,
    count(pairs, (at) => headsForSum(sizesOf(at))),
    interval(tested, (at) => columnMeans(curves, at)[fifth - 1]!),
    interval(tested, (at) => mean(at.map((one) => chance[one]!))),
    count(tested, (at) => headsForAnswer(columnMeans(curves, at))),
  ];
}

const backend = await useBackend("wasm");
console.log(`seed ${seed}, ${pairs} pairs, ${tested} others, ${backend}\n`);
const began = performance.now();
const rows: string[][] = [];
for (const folder of positionals) {
  using model = await loadModel(folder, { warn: () => undefined });
  for (const task of tasks) rows.push(await row(model, folder, task));
}
const header = [
  "model",
  "task",
  "largest head",
  `heads for ${SUM} of the sum of effects`,
  "kept by the strongest fifth",
];
console.log(table([...header, "by as many random heads", `heads that keep ${ANSWER}`], rows));
const { user, system } = process.cpuUsage();
console.error(
  `${((performance.now() - began) / 60_000).toFixed(1)} minutes, ${((user + system) / 1e6).toFixed(0)} CPU-seconds`,
);
