import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { isShared } from "../patching/attributions.js";
import { keptBy } from "../patching/faithful.js";
import type { HeadAt } from "../patching/head-place.js";
import type { PairInput } from "../patching/inputs.js";
import { keepValues } from "../patching/kept-values.js";
import { type CircuitSite, parseSite } from "../patching/sites.js";
import { aList, defineJob, pairInput } from "./job.js";
import { withPair } from "./last-pairs.js";

/** A pair, and the sets that are tried on it. */
export interface KeptSetsInput {
  readonly pair: PairInput;
  /** Whose heads are kept or corrupted. */
  readonly sites: readonly CircuitSite[];
  readonly heads: readonly HeadAt[];
  /** Each a list of indexes in `heads`. */
  readonly sets: readonly (readonly number[])[];
}

/** What each set keeps of the answer where all other heads of the sites are corrupted. */
export const keptSetsJob = defineJob<KeptSetsInput, readonly number[]>(
  "keptSets",
  z.object({
    pair: pairInput,
    sites: aList<CircuitSite>(),
    heads: aList<HeadAt>(),
    sets: z.array(z.array(z.int().min(0))),
  }),
  z.array(z.number()),
  async (model, { pair, sites, heads, sets }, onProgress) => {
    const named = sets.map((set) => set.map((at) => heads[at] ?? strange(at, heads.length)));
    return await withPair(model, pair, (made) => {
      // Every round puts in the same values; those that both runs share are none.
      const differ = sites.filter((site) => !isShared(made, parseSite(model, site)));
      keepValues(made.corrupted, differ);
      return keptBy(made, named, { sites, onProgress });
    });
  },
);

function strange(at: number, heads: number): never {
  throw new NoticeError("options", `A set names head ${at}; there are ${heads}, from 0.`);
}
