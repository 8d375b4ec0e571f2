import { createHash } from "node:crypto";
import { NoticeError } from "../base/errors.js";
import type { FaithfulFound } from "../jobs/faithful.js";
import { isOfThePair } from "../jobs/refusal.js";
import { findCircuit } from "../patching/circuits.js";
import type { HeadAt } from "../patching/head-place.js";
import { evenSizes } from "../patching/rules/ranked.js";
import { type CircuitSite, circuitSites } from "../patching/sites.js";
import { headScores } from "./circuits.js";
import { pairsOf } from "./pairs.js";
import { countUnpatched, type SelectedSample, selectedSamples } from "./queries/samples.js";
import { type Group, halvedSamples, headsByEffect, patchedGroups } from "./queries/scores.js";
import { type ResultKey, testedPairs } from "./queries/verified.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";
import { type Shard, WHOLE } from "./shard.js";
import { nameOf, type Stage, throughSamples } from "./stage.js";
import type { Row } from "./tables.js";

/** What is tested of a data set in a modality, on which samples. */
export interface Test {
  readonly dataset: string;
  readonly modality: Modality;
  /** Whose heads are kept or corrupted. */
  readonly sites: readonly CircuitSite[];
  /** The circuits of these sites, found on the samples `foundOn`. */
  readonly heads: readonly HeadAt[];
  readonly foundOn: readonly string[];
  /** All heads, those with the largest effects in the same samples first. */
  readonly ranked: readonly HeadAt[];
  /** Heads kept at each point of the curve. */
  readonly sizes: readonly number[];
  /** Key of the stored results. It names this circuit and this ranking. */
  readonly reading: string;
  /** Names of samples of the other half. */
  readonly samples: readonly string[];
}

/**
 * Tests the circuits of every data set and modality on samples that they were not found on. Half of the selected
 * samples finds the heads, as `circuits` does on all. Up to `verify` samples of the other half measure what those heads
 * keep of the answer. A circuit needs all patched samples, so shards of `patch` must be merged before anything is
 * tested.
 *
 * @throws NoticeError `options` where samples are not patched yet; as `throughSamples`.
 */
export async function verify(stage: Stage): Promise<void> {
  const { run, watch, shard = WHOLE } = stage;
  const own = await countUnpatched(run.store, shard);
  if (own > 0)
    throw new NoticeError(
      "options",
      `${own} of the selected samples are not patched yet, and a circuit is tested when it is found; finish \`notice patch\` first.`,
    );
  if ((await countUnpatched(run.store)) > 0) return;
  await throughSamples(stage, {
    name: "verify",
    job: "faithful",
    work: await pendingWork(run, await readTests(run), shard),
    isOfSample: (error) => error.code === "worker" || isOfThePair(error),
    rowsOf({ sample, test: { modality, reading } }, { output, error }, provenance) {
      if (error) watch.warn(`${nameOf(sample)}: ${error.message}`);
      // A row without figures marks a pair that has none.
      const { dataset, sample: name } = sample;
      return { verified: [{ dataset, sample: name, modality, reading, provenance, ...(output && figuresOf(output)) }] };
    },
  });
}

function figuresOf({ kept, removed, random, curve }: FaithfulFound): Row {
  return { kept, removed, random: random.kept, curve: curve!.kept, cpr: curve!.cpr, cmd: curve!.cmd };
}

const resultName = ({ dataset, sample, modality, reading }: ResultKey) =>
  JSON.stringify([dataset, sample, modality, reading]);

/** The pairs to test something on that has not been tested on them. */
async function pendingWork(run: StudyRun, tests: readonly Test[], shard: Shard) {
  const { randomSets, seed } = run.settings;
  const samples = await selectedSamples(run.store, shard);
  const done = new Set((await testedPairs(run.store)).map(resultName));
  return samples.flatMap((sample) =>
    pairsOf(run, sample).pairs.flatMap(({ modality, input: pair }) => {
      const test = tests.find((one) => one.dataset === sample.dataset && one.modality === modality);
      if (!test?.samples.includes(sample.sample)) return [];
      if (done.has(resultName({ dataset: sample.dataset, sample: sample.sample, modality, reading: test.reading })))
        return [];
      const { heads, ranked, sizes, sites } = test;
      return [{ key: { sample, test }, input: { pair, heads, ranked, sizes, sites, randomSets, seed } }];
    }),
  );
}

/** Samples whose pairs are not tested yet, of all shards. */
export async function untested(run: StudyRun): Promise<SelectedSample[]> {
  const work = await pendingWork(run, await readTests(run), WHOLE);
  return [...new Set(work.map(({ key }) => key.sample))];
}

/** What is to be tested, as it follows from the scores and the settings. */
export async function readTests(run: StudyRun): Promise<Test[]> {
  const { settings, store } = run;
  const sites = circuitSites(await run.architecture()).filter((site) => settings.sites.includes(site));
  if (settings.verify === 0 || sites.length === 0) return [];
  const groups = await patchedGroups(store);
  const tests: Test[] = [];
  for (const group of groups) {
    const { finding, testing } = await halves(run, group);
    if (finding.size === 0 || testing.length === 0) continue;
    const ranked = await headsByEffect(store, settings, { ...group, sites, samples: finding });
    const heads = await circuitOf(run, { ...group, sites, samples: finding });
    const test = { ...group, sites, heads, foundOn: [...finding], ranked, sizes: evenSizes(ranked.length) };
    const samples = testing.slice(0, settings.verify);
    const content = JSON.stringify([test, settings.randomSets]);
    tests.push({ ...test, samples, reading: createHash("sha256").update(content).digest("hex").slice(0, 16) });
  }
  return tests;
}

/** Every other sample, within each group that selection balances; only those that their corruption changes. */
export async function halves(run: StudyRun, group: Group): Promise<{ finding: Set<string>; testing: string[] }> {
  const rows = await halvedSamples(run.store, run.settings, group);
  const half = (which: number) => rows.filter((row) => row.half === which).map(({ sample }) => sample);
  return { finding: new Set(half(1)), testing: half(0) };
}

type CircuitAsked = Group & { readonly sites: readonly CircuitSite[]; readonly samples: ReadonlySet<string> };

async function circuitOf(run: StudyRun, { sites, samples: only, ...group }: CircuitAsked): Promise<HeadAt[]> {
  const found: HeadAt[] = [];
  for (const site of sites) {
    const { samples, patched } = await headScores(run, { ...group, site }, { only });
    // Membership takes no random choice, so the fewest will do.
    const { heads } = findCircuit(samples, { resamples: 100, patched });
    for (const { layer, head, inCircuit } of heads) if (inCircuit) found.push({ site, layer, head });
  }
  return found;
}
