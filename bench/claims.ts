import { draw, sampleAt, type Task, tasks } from "../src/data/scenes/scene.js";
import { blipVqa } from "../src/model/blip-vqa.js";
import { pearson } from "../src/patching/agreement.js";
import { type AttributeOptions, attributeAll } from "../src/patching/attribute.js";
import { faithfulness, faithfulnessCurve } from "../src/patching/faithful.js";
import { everyHead } from "../src/patching/head-effects.js";
import type { HeadAt } from "../src/patching/head-place.js";
import { loadBlip } from "../src/patching/load-model.js";
import type { Blip } from "../src/patching/model.js";
import type { Mode, Pair } from "../src/patching/pair.js";
import { circuitSites } from "../src/patching/sites.js";
import { sweep } from "../src/patching/sweep.js";

// `npx tsx bench/claims.ts [pairs] [tested]`: on weights/scenes, per task and corruption, how well attribution agrees
// with exact patching over all heads of so many pairs, and how faithful the circuit found on these is on `tested`
// others, beside random sets; ± standard error.

// GradDrop's has no signs: it is compared with the sizes of the effects.
const FORMS: Record<string, AttributeOptions> = { plain: {}, "5 steps": { steps: 5 }, GradDrop: { gradDrop: true } };
const CIRCUIT_SITES = circuitSites(blipVqa);
const SHARES = [0.1, 0.2, 0.3, 0.4];

async function figures(blip: Blip, task: Task, mode: Mode): Promise<string> {
  const heads: HeadAt[] = [];
  const exact: number[][] = [];
  const found: Record<string, number[][]> = Object.fromEntries(Object.keys(FORMS).map((form) => [form, []]));
  for await (const pair of scenePairs(blip, task, mode, 0, pairs)) {
    if (heads.length === 0) heads.push(...everyHead(pair));
    exact.push(await effects(pair, (site) => sweep(pair, { site, together: true })));
    for (const [form, options] of Object.entries(FORMS)) {
      const tables = await attributeAll(pair, CIRCUIT_SITES, { together: true, ...options });
      found[form]!.push(await effects(pair, async (site) => tables[CIRCUIT_SITES.indexOf(site)]!));
    }
  }
  const sizes = exact.map((own) => own.map(Math.abs));
  const lines = Object.entries(found).map(([form, samples]) => {
    const right = FORMS[form]!.gradDrop ? sizes : exact;
    return (
      `  attribution, ${form}: Pearson ${fixed(mean(samples.map((own, i) => pearson(own, right[i]!)!)))} a pair, ` +
      `${fixed(pearson(samples.flat(), right.flat())!)} pooled, ${fixed(pearson(means(samples), means(right))!)} of means over pairs`
    );
  });
  const size = means(sizes);
  const ranked = heads.map((head, i) => ({ head, size: size[i]! })).sort((a, b) => b.size - a.size);
  return [
    `${task}, ${mode}:`,
    ...lines,
    ...(await circuit(
      blip,
      task,
      mode,
      ranked.map(({ head }) => head),
    )),
  ].join("\n");
}

/** Faithfulness of the first heads of a ranking on other pairs. */
async function circuit(blip: Blip, task: Task, mode: Mode, ranked: readonly HeadAt[]): Promise<string[]> {
  const sizes = SHARES.map((share) => Math.floor(share * ranked.length));
  const [kept, areas, control, removed]: [number[][], number[][], number[], number[]] = [[], [], [], []];
  for await (const pair of scenePairs(blip, task, mode, 1000, tested)) {
    const curve = await faithfulnessCurve(pair, ranked, { sizes });
    kept.push(sizes.map((size) => curve.kept[curve.sizes.indexOf(size)]!));
    areas.push([curve.cpr, curve.cmd]);
    const at40 = await faithfulness(pair, ranked.slice(0, sizes.at(-1)), { randomSets: 10 });
    control.push(...at40.random.kept);
    removed.push(at40.removed);
  }
  const shares = sizes.map((size, i) => `${size} heads ${withError(kept.map((row) => row[i]!))}`);
  const [cpr, cmd] = means(areas);
  return [
    `  kept by ${shares.join(", ")} of ${ranked.length}; left without these ${fixed(mean(removed))}; random sets of ${sizes.at(-1)} ${fixed(mean(control))}`,
    `  CPR ${fixed(cpr!)}, CMD ${fixed(cmd!)}`,
  ];
}

/** Pairs whose clean picture is answered rightly, and whose answers a corruption changes by a logit or more. */
async function* scenePairs(blip: Blip, task: Task, mode: Mode, from: number, count: number): AsyncGenerator<Pair> {
  for (let i = from, made = 0; made < count; i++) {
    const { scene, corrupt, question, corruptQuestion, answers } = sampleAt(task, 1000, i);
    const clean = { image: draw(scene).picture, question, answers };
    using pair = await blip.pair(
      mode === "image" ? { ...clean, corruptImage: draw(corrupt).picture } : { ...clean, corruptQuestion },
    );
    const { clean: right, corrupted } = pair.readings;
    if (right.logitDiff <= 0 || Math.abs(right.logitDiff - corrupted.logitDiff) < 1) continue;
    made++;
    yield pair;
  }
}

async function effects(pair: Pair, table: (site: HeadAt["site"]) => ReturnType<typeof sweep>): Promise<number[]> {
  const tables = new Map<string, Awaited<ReturnType<typeof sweep>>>();
  for (const site of CIRCUIT_SITES) tables.set(site, await table(site));
  return everyHead(pair).map(({ site, layer, head }) => tables.get(site)!.at("effect", layer, head)!);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const means = (rows: readonly (readonly number[])[]) => rows[0]!.map((_, i) => mean(rows.map((row) => row[i]!)));
const fixed = (value: number) => value.toFixed(3);

/** The mean with its standard error. */
function withError(values: readonly number[]): string {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return `${fixed(middle)} ± ${fixed(Math.sqrt(squares / (values.length * (values.length - 1))))}`;
}

const [pairs = 20, tested = pairs] = process.argv.slice(2).map(Number);
using blip = await loadBlip("weights/scenes");
for (const mode of ["image", "text"] as const) for (const task of tasks) console.log(await figures(blip, task, mode));
