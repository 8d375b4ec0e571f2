import { middle95 } from "../base/mean.js";
import { random } from "../base/random.js";
import {
  type HeadAttention,
  type HeadFunctionName,
  headFunctions,
  meanAttention,
} from "../patching/attention-functions.js";
import type { HeadPlace } from "../patching/head-place.js";
import { noiseAuroc } from "./noise-auroc.js";

// How many heads of a circuit have a function, and how sure that is.

/** Which of some heads have a function. */
export interface FunctionHeads {
  readonly heads: readonly HeadPlace[];
  /** How many have it where the samples are drawn again, the same heads: the 2.5th and 97.5th percentile. */
  readonly low: number;
  readonly high: number;
}

/** Of each function that the samples can show: object functions need masks, outlier inhibition needs outliers. */
export type FunctionsOfHeads = Readonly<Partial<Record<HeadFunctionName, FunctionHeads>>>;

/** So many samples of each data set keep where their heads look, for the report's pictures and for what noise gives. */
export const MOST_MAPS = 4;

/** Where a head looks in some samples. */
export interface LookedHead {
  readonly place: HeadPlace;
  /** [sample] */
  readonly looks: readonly HeadAttention[];
  /** Of those that were kept, [map][patch]. */
  readonly maps: readonly (readonly number[])[];
}

/** What heads of the site that looks at the picture do, of which the same samples were looked at. */
export function functionsOf(
  heads: readonly LookedHead[],
  { seed, resamples }: { readonly seed: number; readonly resamples: number },
): FunctionsOfHeads {
  const noise = heads.map(({ looks, maps }) => noiseOf(looks, maps));
  const namesOf = (rows: readonly (readonly HeadAttention[])[]) =>
    rows.map((own, i) => headFunctions({ ...meanAttention(own), noise: noise[i]! }));
  const choose = random(seed, "functions");
  const looks = heads.map((one) => one.looks);
  const samples = [...(looks[0] ?? []).keys()];
  const drawn = Array.from({ length: resamples }, () => {
    const again = samples.map(() => choose.pick(samples));
    return namesOf(looks.map((own) => again.map((sample) => own[sample]!)));
  });
  const found = namesOf(looks);
  const all = looks.flat();
  const told = [
    ...(all.some(({ object }) => object) ? (["segmentation", "object inhibition"] as const) : []),
    ...(all.some(({ outliers }) => outliers) ? (["outlier inhibition"] as const) : []),
  ];
  return Object.fromEntries(
    told.map((name) => {
      const counts = drawn.map((names) => names.filter((own) => own.includes(name)).length).sort((a, b) => a - b);
      const [low, high] = middle95(counts);
      const own = heads.filter((_, i) => found[i]!.includes(name)).map(({ place }) => place);
      return [name, { heads: own, low, high }];
    }),
  );
}

/** What noise would give in the samples that have an AUROC. */
export const noiseOf = (looks: readonly HeadAttention[], maps: readonly (readonly number[])[]) =>
  noiseAuroc(
    looks.flatMap(({ object }) => (object?.auroc == null ? [] : [object.uniform])),
    maps,
  );
