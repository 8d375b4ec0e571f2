import { random } from "../base/random.js";
import { lookingSite } from "../patching/answer-attention.js";
import {
  type HeadAttention,
  type HeadFunction,
  type LookNulls,
  meanAttention,
} from "../patching/attention-functions.js";
import { bootstrap } from "../patching/circuits.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { StudyCircuit } from "./circuits.js";
import { type FunctionsOfHeads, functionsOf, type LookedHead, noiseOf } from "./function-counts.js";
import { attentionOf, keptMaps } from "./queries/scores.js";
import type { StudyRun } from "./run.js";
import type { Settings } from "./settings.js";

/** Where a head looks from the answer's token (of a causal tower the last), over the samples of a data set. */
export interface HeadFunctionFacts extends HeadFunction, LookNulls {
  readonly dataset: string;
  readonly layer: number;
  readonly head: number;
  /** Bootstrap interval of `auroc`, 95%. */
  readonly aurocWithin?: readonly [low: number, high: number] | null;
}

/** What the heads of each data set's circuits attend to, at the site that looks at the picture. */
export async function headFunctionFacts(
  run: StudyRun,
  circuits: readonly StudyCircuit[],
): Promise<HeadFunctionFacts[]> {
  const facts: HeadFunctionFacts[] = [];
  const looking = lookingSite({ architecture: await run.architecture() });
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const own = circuits.filter((one) => one.dataset === dataset && one.site === looking);
    const members = own.flatMap(({ circuit }) => circuit.heads.filter(({ inCircuit }) => inCircuit));
    const names = [...new Set(members.map(({ layer, head }) => `${layer}.${head}`))]
      .map((name) => name.split(".").map(Number) as [number, number])
      .sort(([layer, head], [otherLayer, otherHead]) => layer - otherLayer || head - otherHead);
    for (const [layer, head] of names) facts.push(await headFunctionOf(run, { dataset, layer, head }));
  }
  return facts;
}

/** How sure means are, and what attention that is noise would give. */
function rangesOf(
  looks: readonly HeadAttention[],
  maps: readonly (readonly number[])[],
  { seed, resamples }: Settings,
) {
  const aurocs = looks.flatMap(({ object }) => object?.auroc ?? []);
  const within = (values: readonly number[], name: string) =>
    values.length < 2 ? null : bootstrap(values, resamples, random(seed, name));
  return {
    aurocWithin: within(aurocs, "auroc"),
    noise: aurocs.length < 2 ? null : noiseOf(looks, maps),
    outlierExcess: within(
      looks.flatMap(({ outliers }) => (outliers ? [outliers.mass - outliers.uniform] : [])),
      "outliers",
    ),
  };
}

/** What some heads of the site that looks at the picture do in a data set's samples. */
export async function functionsOfHeads(
  { store, settings }: StudyRun,
  dataset: string,
  heads: readonly HeadPlace[],
): Promise<FunctionsOfHeads> {
  const looked: LookedHead[] = [];
  for (const place of heads) {
    const looks = (await attentionOf(store, { dataset, ...place })).map(attentionIn);
    looked.push({ place, looks, maps: await keptMaps(store, { dataset, ...place }) });
  }
  return functionsOf(looked, settings);
}

/** What a head attends to in a data set's samples. */
export async function headFunctionOf(
  { store, settings }: StudyRun,
  place: Pick<HeadFunctionFacts, "dataset" | "layer" | "head">,
): Promise<HeadFunctionFacts> {
  const looks = (await attentionOf(store, place)).map(attentionIn);
  return { ...place, ...meanAttention(looks), ...rangesOf(looks, await keptMaps(store, place), settings) };
}

function attentionIn(row: Record<string, number | null>): HeadAttention {
  const { object_mass, object_uniform, outlier_mass, outlier_uniform, auroc } = row;
  return {
    object: object_mass == null ? null : { mass: object_mass, uniform: object_uniform!, auroc: auroc ?? null },
    outliers: outlier_mass == null ? null : { mass: outlier_mass, uniform: outlier_uniform! },
  };
}
