import { mean } from "../base/mean.js";
import { random } from "../base/random.js";
import { bootstrap } from "../patching/circuits.js";
import { type HeadAt, siteHeadName } from "../patching/head-place.js";
import { headsOf } from "./evidence.js";
import { KeptSets, maskOf, RESAMPLES, shareKey, storedShares } from "./kept.js";
import { selectedSamples } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";
import type { Stage } from "./stage.js";
import { readTests, type Test } from "./verify.js";

/** What one head keeps of the answer where all others of the sites are corrupted, on pairs that did not find it. */
export interface KeptAlone extends HeadAt {
  readonly dataset: string;
  readonly modality: Modality;
  /** Mean over the pairs, with its bootstrap interval of 95%. */
  readonly kept: number;
  readonly low: number;
  readonly high: number;
  /** What is left where it is corrupted as well: what does not pass through these heads. */
  readonly none: number;
  readonly found: number;
  readonly tested: number;
}

/**
 * Tests every head of the circuits that `verify` tests, by itself and on the same pairs. One pass of a pair for each
 * head.
 *
 * @throws NoticeError as `throughSamples`.
 */
export async function testAlone(stage: Stage): Promise<void> {
  const { run } = stage;
  const selected = await selectedSamples(run.store);
  for (const test of await readTests(run)) {
    const heads = await headsOf(run, test.sites);
    const samples = selected.filter(({ dataset, sample }) => dataset === test.dataset && test.samples.includes(sample));
    const known = await KeptSets.open(stage, test, test.sites, heads);
    await known.ask([[], ...test.heads.map((head) => [placeIn(heads, head)])], samples);
  }
}

/** The results; none before the stage `rules`. */
export async function readAlone(run: StudyRun): Promise<KeptAlone[]> {
  const found: KeptAlone[] = [];
  for (const test of await readTests(run)) {
    const heads = await headsOf(run, test.sites);
    const shares = await storedShares(run.store, test);
    for (const head of test.heads)
      found.push(...aloneOf(run, test, { head, mask: maskOf([placeIn(heads, head)]), shares }));
  }
  return found;
}

interface Asked {
  readonly head: HeadAt;
  readonly mask: string;
  /** As `storedShares`. */
  readonly shares: ReadonlyMap<string, number | null>;
}

function aloneOf(
  { settings }: StudyRun,
  { dataset, modality, samples, foundOn }: Test,
  { head, mask, shares }: Asked,
): KeptAlone[] {
  const pairs = samples.flatMap((sample) => {
    const [kept, none] = [mask, maskOf([])].map((set) => shares.get(shareKey(sample, set)));
    return kept == null || none == null ? [] : [{ kept, none }];
  });
  if (pairs.length === 0) return [];
  const kept = pairs.map((one) => one.kept);
  const [low, high] = bootstrap(kept, RESAMPLES, random(settings.seed, "alone"));
  const { site, layer, head: index } = head;
  const none = mean(pairs.map((one) => one.none));
  const counts = { found: foundOn.length, tested: pairs.length };
  return [{ dataset, modality, site, layer, head: index, kept: mean(kept), low, high, none, ...counts }];
}

const placeIn = (heads: readonly HeadAt[], head: HeadAt) =>
  heads.findIndex((one) => siteHeadName(one) === siteHeadName(head));
