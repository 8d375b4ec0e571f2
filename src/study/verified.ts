import { mean } from "../base/mean.js";
import { pValueOf } from "../patching/faithful.js";
import type { HeadAt } from "../patching/head-place.js";
import type { Site } from "../patching/sites.js";
import { type TestFigures, testFigures } from "./queries/verified.js";
import { ENOUGH } from "./ruled.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";
import { readTests, type Test } from "./verify.js";

/** What a circuit keeps of the answer on samples that it was not found on. All figures are means over those. */
export interface Verified {
  readonly dataset: string;
  readonly modality: Modality;
  readonly sites: readonly Site[];
  /** The circuits of these sites, as `found` samples have them. */
  readonly heads: readonly HeadAt[];
  /** Heads of these sites in all. */
  readonly of: number;
  readonly found: number;
  readonly tested: number;
  /** What is left where all other heads of the sites are corrupted, and where these are. */
  readonly kept: number;
  readonly removed: number;
  /** What is left where all heads of the sites are corrupted: what does not pass through them. */
  readonly none: number;
  /** What random sets of as many heads keep, each by itself and as their mean; the same sets in all samples. */
  readonly randomSets: readonly number[];
  readonly random: number;
  /** How often chance is as good; null where the circuit has no head. */
  readonly pValue: number | null;
  /** Heads kept, those with the largest effects first, and what they keep. */
  readonly sizes: readonly number[];
  readonly curve: readonly number[];
  /** The first of `sizes` from which on 85% of the answer or more is kept. */
  readonly needed: number;
  readonly cpr: number;
  readonly cmd: number;
}

/** The results of the tests that follow from the run's scores and settings. */
export async function readVerified(run: StudyRun): Promise<Verified[]> {
  const found: Verified[] = [];
  for (const test of await readTests(run)) {
    const rows = await testFigures(run.store, test);
    if (rows.length > 0) found.push(verifiedOf(test, rows));
  }
  return found;
}

function verifiedOf(
  { dataset, modality, sites, heads, ranked, sizes, foundOn }: Test,
  rows: readonly TestFigures[],
): Verified {
  const of = (name: "kept" | "removed" | "cpr" | "cmd") => mean(rows.map((row) => row[name]));
  const means = (name: "random" | "curve") => rows[0]![name].map((_, at) => mean(rows.map((row) => row[name][at]!)));
  const [kept, randomSets, curve] = [of("kept"), means("random"), means("curve")];
  return {
    dataset,
    modality,
    sites,
    heads,
    of: ranked.length,
    found: foundOn.length,
    tested: rows.length,
    kept,
    removed: of("removed"),
    none: curve[0]!,
    randomSets,
    random: mean(randomSets),
    pValue: heads.length === 0 ? null : pValueOf(kept, randomSets),
    sizes,
    curve,
    needed: sizes[curve.findLastIndex((share) => share < ENOUGH) + 1]!,
    cpr: of("cpr"),
    cmd: of("cmd"),
  };
}
