import { mean } from "../../src/base/mean.js";
import { random } from "../../src/base/random.js";
import { draw, sampleAt, type Task, tasks } from "../../src/data/scenes/scene.js";
import { isTrueAt, putScene } from "../../src/data/scenes/sentences.js";
import { towerOf } from "../../src/model/architecture.js";
import { auroc } from "../../src/patching/attention-functions.js";
import { keptBy } from "../../src/patching/faithful.js";
import { everyHead } from "../../src/patching/head-effects.js";
import type { HeadAt } from "../../src/patching/head-place.js";
import type { PairInput } from "../../src/patching/inputs.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { type CircuitSite, circuitSites, parseSite } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import type { Picture } from "../../src/pictures/picture.js";
import { formOf } from "../../src/study/form.js";
import { distanceFrom, spearman } from "./distance.js";
import { featuresOf } from "./features.js";
import { CORRUPTIONS, type Corruption, columnMeans, meanOf, sigmaOf, table, withInterval } from "./figures.js";

/** Clean passes of each task that say what is usual. */
const USUAL = 100;
/** The strongest heads of a corruption are so much of all. */
const STRONGEST = 0.2;
const RANDOM_SETS = 20;
/** Scenes of these worlds, counted from the seed, share no picture. */
const WORLDS = { usual: 1, found: 2, tested: 3 } as const;

interface Asked {
  readonly task: Task;
  /** Without its corruption. */
  readonly clean: Pick<PairInput, "image" | "question" | "answers" | "answerPlace">;
  readonly corrupt: Picture;
  readonly corruptQuestion?: string;
}

/** Of one corruption, [pair]; a row of heads each. */
interface Found {
  readonly heads: HeadAt[];
  /** |change of the logit difference| where a head is restored. */
  readonly effects: number[][];
  /** What the corruption takes of the logit difference. */
  readonly taken: number[];
  /** Whether the other answer is said. */
  readonly flipped: number[];
  readonly distances: number[];
}

export interface TrainedOptions {
  readonly seed: number;
  readonly pairs: number;
  /** On which the strongest heads are tested. */
  readonly tested: number;
}

/** What every corruption finds in a checkpoint that learned the scenes. */
export async function trainedTable(folder: string, options: TrainedOptions): Promise<string> {
  const { seed } = options;
  using model = await loadModel(folder, { warn: () => undefined });
  const usual = await usualOf(model, seed);
  const samples = await answered(model, seed + WORLDS.found, options.pairs);
  const found = new Map<Corruption, Found>();
  for (const corruption of CORRUPTIONS) {
    const inputs = samples.flatMap((one, at) => inputOf(one, corruption, usual, seed + at) ?? []);
    if (inputs.length > 0) found.set(corruption, await foundBy(model, inputs, usual.distance));
  }
  const kept = await keptUnder(model, found, await answered(model, seed + WORLDS.tested, options.tested), seed);
  const rows = CORRUPTIONS.flatMap((corruption) => {
    const own = found.get(corruption);
    if (!own) return [];
    const { distances } = own;
    const far = withInterval(distances.length, seed, (drawn) => {
      const all = [...usual.held, ...drawn.map((at) => distances[at]!)];
      return auroc(
        all,
        all.map((_, at) => at >= usual.held.length),
      );
    });
    const shared = (other: Corruption) =>
      found.has(other) && other !== corruption ? agreed(own, found.get(other)!, seed) : "–";
    return [
      [
        corruption,
        meanOf(own.taken, seed),
        meanOf(own.flipped, seed),
        meanOf(distances, seed),
        far,
        shared("SIP"),
        shared("STR"),
        halves(own, seed),
        meanOf(kept.get(corruption)!, seed),
      ],
    ];
  });
  const count = countOf(found.get("SIP")!.heads);
  return [
    `\n${folder}: ${samples.length} pairs a corruption, ${found.get("SIP")!.heads.length} heads of the towers of words; distance of clean passes ` +
      `that no other number was taken of ${meanOf(usual.held, seed)}; random sets of ${count} heads keep ` +
      `${meanOf(kept.get("random")!, seed)} of ${options.tested} other SIP pairs.\n`,
    table(
      [
        ...["corruption", "logits taken", "answers flipped", "distance", "AUROC of distance", "Spearman with SIP"],
        ...["with STR", "of its halves", `kept by its ${count} strongest (SIP)`],
      ],
      rows,
    ),
  ].join("\n");
}

/** Where clean passes lie, and the mean picture of each task. */
async function usualOf(model: Model, seed: number) {
  const asked = tasks.map((task) =>
    Array.from({ length: USUAL }, (_, i) => askedAt(model, task, seed + WORLDS.usual, i)),
  );
  const features = async (some: readonly Asked[]) => {
    const rows: number[][] = [];
    for (const { clean } of some) {
      using run = await model.run({ image: clean.image, question: clean.question });
      rows.push(await featuresOf(run));
    }
    return rows;
  };
  const classes: number[][][] = [];
  for (const some of asked) classes.push(await features(some));
  const distance = distanceFrom(classes);
  const held: number[] = [];
  for (const task of tasks)
    for (const row of await features(Array.from({ length: USUAL }, (_, i) => askedAt(model, task, seed, i))))
      held.push(distance(row));
  const seen = asked.map((some) => some.map(({ clean }) => clean.image as Picture));
  const means = new Map(tasks.map((task, at) => [task, meanPicture(seen[at]!)]));
  return { distance, held, means, grey: greyPicture(seen[0]![0]!, model) };
}

/** Pictures that say nothing. */
interface Empty {
  /** Of each task. */
  readonly means: ReadonlyMap<Task, Picture>;
  /** Zero as the model sees it, to the nearest level. */
  readonly grey: Picture;
}

function meanPicture(pictures: readonly Picture[]): Picture {
  const sums = new Float64Array(pictures[0]!.data.length);
  for (const { data } of pictures) for (const [i, value] of data.entries()) sums[i]! += value;
  return { ...pictures[0]!, data: Uint8Array.from(sums, (sum) => Math.round(sum / pictures.length)) };
}

const greyPicture = (like: Picture, { processor: { image_mean } }: Model): Picture => ({
  ...like,
  data: like.data.map((_, i) => Math.round(255 * image_mean[i % 3]!)),
});

function askedAt({ architecture }: Model, task: Task, seed: number, index: number): Asked {
  const form = formOf(architecture);
  const sample = sampleAt(task, seed, index);
  const { question, corruptQuestion, answers, answerPlace } = putScene(sample, form, isTrueAt(index));
  const clean = { image: draw(sample.scene).picture, question, answers, answerPlace };
  return { task, clean, corrupt: draw(sample.corrupt).picture, corruptQuestion };
}

/**
 * Samples of all tasks in turn whose clean pass prefers the right answer, to which the other picture makes a
 * difference.
 */
async function answered(model: Model, seed: number, count: number): Promise<Asked[]> {
  const found: Asked[] = [];
  for (let at = 0; found.length < count; at++) {
    const asked = askedAt(model, tasks[at % tasks.length]!, seed, Math.floor(at / tasks.length));
    using pair = await model.pair({ ...asked.clean, corruptImage: asked.corrupt });
    const { clean, corrupted } = pair.readings;
    if (clean.logitDiff > 0 && clean.logitDiff - corrupted.logitDiff >= 1) found.push(asked);
  }
  return found;
}

/** Undefined where there is nothing to put in the place of the question. */
function inputOf(
  { task, clean, corrupt, corruptQuestion }: Asked,
  corruption: Corruption,
  { means, grey }: Empty,
  seed: number,
): PairInput | undefined {
  const sigma = sigmaOf(corruption);
  if (sigma !== undefined) return { ...clean, corruptImage: { noise: { sigma, seed } } };
  if (corruption === "STR") return corruptQuestion === undefined ? undefined : { ...clean, corruptQuestion };
  if (corruption === "mean") return { ...clean, corruptImage: means.get(task)! };
  return { ...clean, corruptImage: corruption === "zero" ? grey : corrupt };
}

/** Heads that read or say words: another question changes nothing in those that see. */
const wordSites = ({ architecture }: Model): CircuitSite[] =>
  circuitSites(architecture).filter(
    (site) => towerOf({ architecture }, parseSite({ architecture }, site).tower).tokens !== "image",
  );

async function foundBy(
  model: Model,
  inputs: readonly PairInput[],
  distance: (row: number[]) => number,
): Promise<Found> {
  const found: Found = { heads: [], effects: [], taken: [], flipped: [], distances: [] };
  for (const input of inputs) {
    using pair = await model.pair(input);
    const { clean, corrupted } = pair.readings;
    const sizes: number[] = [];
    for (const site of wordSites(model)) {
      const scores = await sweep(pair, { site, together: true });
      sizes.push(...everyHead(pair, [site]).map(({ layer, head }) => Math.abs(scores.at("logitDiff", layer, head)!)));
    }
    if (found.heads.length === 0) found.heads.push(...everyHead(pair, wordSites(model)));
    found.effects.push(sizes);
    found.taken.push(clean.logitDiff - corrupted.logitDiff);
    found.flipped.push(corrupted.logitDiff < 0 ? 1 : 0);
    found.distances.push(distance(await featuresOf(pair.corrupted)));
  }
  return found;
}

/** What the strongest heads of each corruption keep of the answer in each SIP pair, and random sets of as many. */
async function keptUnder(model: Model, found: ReadonlyMap<Corruption, Found>, samples: readonly Asked[], seed: number) {
  const kept = new Map<Corruption | "random", number[]>([...found.keys(), "random" as const].map((name) => [name, []]));
  const { heads } = found.get("SIP")!;
  const choose = random(seed, "sets");
  const drawn = Array.from({ length: RANDOM_SETS }, () => choose.draw(heads, countOf(heads)));
  const sets = [...found.values()].map(({ effects }) => strongest(heads, effects));
  for (const { clean, corrupt } of samples) {
    using pair = await model.pair({ ...clean, corruptImage: corrupt });
    const shares = await keptBy(pair, [...sets, ...drawn], { sites: wordSites(model) });
    for (const [i, name] of [...found.keys()].entries()) kept.get(name)!.push(shares[i]!);
    kept.get("random")!.push(mean(shares.slice(sets.length)));
  }
  return kept;
}

const countOf = (heads: readonly HeadAt[]) => Math.round(STRONGEST * heads.length);

function strongest(heads: readonly HeadAt[], effects: readonly (readonly number[])[]): HeadAt[] {
  const sizes = columnMeans(effects, [...effects.keys()]);
  const order = heads.map((_, at) => at).sort((a, b) => sizes[b]! - sizes[a]!);
  return order.slice(0, countOf(heads)).map((at) => heads[at]!);
}

/** Spearman's correlation of what two corruptions say of the heads, over the same pairs. */
const agreed = (one: Found, other: Found, seed: number) =>
  withInterval(one.effects.length, seed, (drawn) =>
    spearman(columnMeans(one.effects, drawn), columnMeans(other.effects, drawn)),
  );

/** Of what half of the pairs says with what the others say: no agreement with another can be expected to be larger. */
function halves({ effects }: Found, seed: number): string {
  return withInterval(effects.length, seed, (drawn) => {
    const [even, odd] = [drawn.filter((at) => at % 2 === 0), drawn.filter((at) => at % 2 === 1)];
    return spearman(columnMeans(effects, even), columnMeans(effects, odd));
  });
}
