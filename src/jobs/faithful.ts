import { z } from "zod";
import { type Faithfulness, type FaithfulnessCurve, faithfulness, faithfulnessCurve } from "../patching/faithful.js";
import { type HeadEffect, headEffects } from "../patching/head-effects.js";
import type { HeadAt } from "../patching/head-place.js";
import type { PairInput } from "../patching/inputs.js";
import type { CircuitSite } from "../patching/sites.js";
import { aList, anObject, defineJob, factsOf, type PairFacts, pairInput } from "./job.js";

/** Which set of heads is tested, against how many random ones. */
export interface FaithfulAsked {
  readonly heads: readonly HeadAt[];
  readonly randomSets: number;
  readonly seed: number;
  /** Whose heads are kept or corrupted. Default: every `z`. */
  readonly sites?: readonly CircuitSite[];
  /** For the curve, which is left out without it. */
  readonly ranked?: readonly HeadAt[];
  /** Of the curve. */
  readonly sizes?: readonly number[];
}

/** A pair, and the set that is tested on it. */
export interface FaithfulInput extends FaithfulAsked {
  readonly pair: PairInput;
}

/** How faithful the set is. */
export interface FaithfulFound extends PairFacts, Faithfulness {
  readonly curve?: FaithfulnessCurve;
}

const input: z.ZodType<FaithfulInput> = z.object({
  pair: pairInput,
  heads: aList<HeadAt>(),
  randomSets: z.number(),
  seed: z.number(),
  sites: aList<CircuitSite>().optional(),
  ranked: aList<HeadAt>().optional(),
  sizes: aList<number>().optional(),
});

/** How faithful a set of heads is in a pair. */
export const faithfulJob = defineJob<FaithfulInput, FaithfulFound>(
  "faithful",
  input,
  anObject<FaithfulFound>(),
  async (model, { pair, heads, randomSets, seed, sites, ranked, sizes }, onProgress) => {
    using made = await model.pair(pair);
    const found = await faithfulness(made, heads, { sites, randomSets, seed, onProgress });
    const curve = ranked && (await faithfulnessCurve(made, ranked, { sites, sizes, onProgress }));
    return { ...factsOf(made), ...found, ...(curve && { curve }) };
  },
);

/** The effect of every head of a pair by itself. */
export const headEffectsJob = defineJob<{ readonly pair: PairInput }, readonly HeadEffect[]>(
  "headEffects",
  z.object({ pair: pairInput }),
  aList<HeadEffect>(),
  async (model, { pair }, onProgress) => {
    using made = await model.pair(pair);
    return await headEffects(made, { onProgress });
  },
);
