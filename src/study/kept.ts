import type { NoticeError } from "../base/errors.js";
import { isOfThePair } from "../jobs/refusal.js";
import type { HeadAt } from "../patching/head-place.js";
import type { HeadSet } from "../patching/rules/rule.js";
import type { CircuitSite } from "../patching/sites.js";
import { pairsOf } from "./pairs.js";
import { knownKept } from "./queries/rules.js";
import type { SelectedSample } from "./queries/samples.js";
import type { Group } from "./queries/scores.js";
import { nameOf, type Stage, throughSamples } from "./stage.js";
import type { Store } from "./store.js";

/** Resamples of the interval of what a set keeps. */
export const RESAMPLES = 2000;

/** Sets of heads on the pairs of a group. What was asked before stands in the database. */
export class KeptSets {
  private constructor(
    private readonly stage: Stage,
    private readonly group: Group,
    private readonly sites: readonly CircuitSite[],
    private readonly heads: readonly HeadAt[],
    private readonly known: Map<string, number | null>,
  ) {}

  static async open(
    stage: Stage,
    group: Group,
    sites: readonly CircuitSite[],
    heads: readonly HeadAt[],
  ): Promise<KeptSets> {
    return new KeptSets(stage, group, sites, heads, await storedShares(stage.run.store, group));
  }

  /**
   * What each set keeps in each of the samples, [set][sample]; what is not known is asked first. Samples without a pair
   * and those whose pair has no shares are left out.
   */
  async sharesOf(sets: readonly HeadSet[], samples: readonly SelectedSample[]): Promise<number[][]> {
    await this.ask(sets, samples);
    const masks = sets.map(maskOf);
    const isKnown = (sample: string, mask: string) => typeof this.known.get(shareKey(sample, mask)) === "number";
    const whole = samples.filter(({ sample }) => masks.every((mask) => isKnown(sample, mask)));
    return masks.map((mask) => whole.map(({ sample }) => this.known.get(shareKey(sample, mask))!));
  }

  /** Runs the model on what is not known yet, all sets of a sample together. */
  async ask(sets: readonly HeadSet[], samples: readonly SelectedSample[]): Promise<void> {
    const { stage, group, sites, heads, known } = this;
    const { dataset, modality } = group;
    const byMask = new Map(sets.map((set) => [maskOf(set), set]));
    const work = samples.flatMap((sample) => {
      const masks = [...byMask.keys()].filter((mask) => !known.has(shareKey(sample.sample, mask)));
      const pair = pairsOf(stage.run, sample).pairs.find((one) => one.modality === modality)?.input;
      if (masks.length === 0 || !pair) return [];
      const input = { pair, sites, heads, sets: masks.map((mask) => byMask.get(mask)!) };
      return [{ key: { sample, masks }, input }];
    });
    await throughSamples(stage, {
      name: "rules",
      job: "keptSets",
      work,
      isBrief: true,
      isOfSample: (error: NoticeError) => error.code === "worker" || isOfThePair(error),
      rowsOf({ sample, masks }, { output, error }, provenance) {
        if (error) stage.watch.warn(`${nameOf(sample)}: ${error.message}`);
        const rows = masks.map((mask, i) => ({ heads: mask, kept: output?.[i] ?? null }));
        for (const { heads, kept } of rows) known.set(shareKey(sample.sample, heads), kept);
        return { kept: rows.map((row) => ({ dataset, sample: sample.sample, modality, ...row, provenance })) };
      },
    });
  }
}

/** What is stored of a group's sets, by `shareKey`; null where the pair has no such share. */
export async function storedShares(store: Store, group: Group): Promise<Map<string, number | null>> {
  const rows = await knownKept(store, group);
  return new Map(rows.map(({ sample, heads, kept }) => [shareKey(sample, heads), kept]));
}

/** Names a set, by its mask, in a sample. */
export const shareKey = (sample: string, mask: string) => `${mask} ${sample}`;

/** A bit for each head of the list, in hexadecimal. */
export function maskOf(set: HeadSet): string {
  let mask = 0n;
  for (const at of set) mask |= 1n << BigInt(at);
  return mask.toString(16);
}
