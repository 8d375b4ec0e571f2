import { mean } from "../base/mean.js";
import { random } from "../base/random.js";
import { bootstrap } from "../patching/circuits.js";
import { pValueOf } from "../patching/faithful.js";
import { type HeadAt, siteHeadName } from "../patching/head-place.js";
import { mibAreas, mibSizes } from "../patching/rules/areas.js";
import type { HeadSet, Ruled } from "../patching/rules/rule.js";
import { findBy, RULE_NAMES, type RuleName, remembering } from "../patching/rules/rules.js";
import { testAlone } from "./alone.js";
import { headsOf, scoredEvidence, testedSites } from "./evidence.js";
import { KeptSets, RESAMPLES } from "./kept.js";
import { ruleRows, writeRules } from "./queries/rules.js";
import { countUnpatched, type SelectedSample, selectedSamples } from "./queries/samples.js";
import { type Group, patchedGroups } from "./queries/scores.js";
import { circuitOf, hasSmallestP, headlines, type RuledCircuit, readingOf } from "./ruled.js";
import type { StudyRun } from "./run.js";
import type { Stage, StageWatch, Watch } from "./stage.js";
import type { Row } from "./tables.js";
import { halves } from "./verify.js";

/** Sets are tried on so many of the samples that find circuits: each costs a pass in each. */
const TRIED_ON = 10;

/**
 * Finds the circuits of every data set and modality by each rule, on half of the samples, and tests them on the other
 * half, as `verify` does; and each head of the circuits that `verify` tests by itself. What sets of heads keep is
 * stored as it is found, so that an interrupted search goes on. One search needs all samples: a shard leaves it to the
 * whole run.
 *
 * @throws NoticeError as `throughSamples`.
 */
export async function rules({ watch, ...stage }: Stage): Promise<void> {
  const { run, shard } = stage;
  const sites = await testedSites(run);
  if (shard || run.settings.verify === 0 || sites.length === 0 || (await countUnpatched(run.store)) > 0) return;
  const reading = await readingOf(run);
  const done = await ruleRows(run.store, reading);
  const left = (await patchedGroups(run.store)).filter(
    (group) => !done.some(({ dataset, modality }) => dataset === group.dataset && modality === group.modality),
  );
  const quiet: Stage = { ...stage, watch: { warn: watch.warn, begin: () => SILENT } };
  await searched(quiet, watch, left, reading);
  await testAlone(quiet);
}

/** So many groups are searched at a time: while one waits for its last pairs, processes work for the other. */
const AT_A_TIME = 2;

/** The rules' circuits of groups. */
async function searched(quiet: Stage, watch: Watch, left: readonly Group[], reading: string): Promise<void> {
  if (left.length === 0) return;
  const { run } = quiet;
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(quiet.signal ? [quiet.signal] : [])]);
  const bar = watch.begin("rules", left.length);
  let done = 0;
  const groups = left.values();
  const search = async () => {
    for (const group of groups) {
      signal.throwIfAborted();
      await writeRules(run.store, group, await rulesOf({ ...quiet, signal }, group, reading));
      bar.update(++done);
    }
  };
  try {
    // Nothing is in work any more when the first error is thrown.
    const searches = Array.from({ length: AT_A_TIME }, () => search().catch((error) => failed.abort(error)));
    await Promise.all(searches);
    signal.throwIfAborted();
  } finally {
    bar.end();
  }
}

const SILENT: StageWatch = { update() {}, end() {} };

async function rulesOf(stage: Stage, group: Group, reading: string): Promise<Row[]> {
  const { run } = stage;
  const sites = await testedSites(run);
  const heads = await headsOf(run, sites);
  const { finding, testing } = await halves(run, group);
  if (finding.size === 0 || testing.length === 0) return [];
  const known = await KeptSets.open(stage, group, sites, heads);
  const samples = (await selectedSamples(run.store)).filter(({ dataset }) => dataset === group.dataset);
  const these = (names: Iterable<string>, most: number) =>
    [...names].slice(0, most).map((name) => samples.find(({ sample }) => sample === name)!);
  const tried = these(finding, Math.min(TRIED_ON, run.settings.verify));
  // Without shares in any of them no rule has a number to search by.
  if ((await known.sharesOf([[]], tried))[0]!.length === 0) return [];
  const evidence = remembering({
    ...(await scoredEvidence(run, group, { heads, sites, samples: [...finding] })),
    keep: async (sets) => (await known.sharesOf(sets, tried)).map(mean),
  });
  const found: Found[] = [];
  for (const rule of RULE_NAMES) {
    const ruled = await findBy(rule, evidence);
    if (ruled) found.push({ rule, ...ruled });
  }
  const test = { heads, known, samples: these(testing, run.settings.verify) };
  const asked = found.map((ruled) => ({ ruled, sets: testSets(run, ruled, heads, run.settings.randomSets) }));
  // All at once: each sample is met once.
  await known.ask(
    asked.flatMap(({ sets }) => sets),
    test.samples,
  );
  const rows: RuledCircuit[] = [];
  for (const { ruled, sets } of asked) {
    const tested = await testOf(run, ruled.circuit, sets, test);
    if (tested) rows.push({ ...group, rule: ruled.rule, ...tested, found_on: finding.size });
  }
  return (await withMoreSets(run, rows, found, test)).map((row) => ({ ...row, reading }));
}

/** The rows, of which the headline's circuit is tested against more random sets where it needs them. */
async function withMoreSets(
  run: StudyRun,
  rows: readonly RuledCircuit[],
  found: readonly Found[],
  test: Tested,
): Promise<readonly RuledCircuit[]> {
  const named = headlines(rows).map(circuitOf)[0];
  const ruled = named && needsMoreSets(run, named) && found.find(({ rule }) => rule === named.rule);
  if (!ruled) return rows;
  const sets = testSets(run, ruled, test.heads, run.settings.headlineSets);
  const tested = await testOf(run, ruled.circuit, sets, test);
  return rows.map((row) => (row === named ? { ...row, ...tested } : row));
}

/**
 * Whether the headline's circuit needs more random sets: the settings ask for more, it was tested on several pairs, and
 * no set kept as much, so that p says only how many sets there were.
 */
const needsMoreSets = ({ settings }: StudyRun, circuit: RuledCircuit) =>
  settings.headlineSets > circuit.random_sets && circuit.tested_on > 1 && hasSmallestP(circuit);

/** What a test asks about: the circuit, all others, none, MIB's curve, random sets. */
function testSets(
  { settings }: StudyRun,
  { circuit, ranked }: Ruled,
  heads: readonly HeadAt[],
  count: number,
): HeadSet[] {
  const { seed } = settings;
  const others = heads.map((_, at) => at).filter((at) => !circuit.includes(at));
  const curve = mibSizes(heads.length).map((size) => ranked.slice(0, size));
  const chance = Array.from({ length: count }, (_, i) => alike(heads, circuit, seed, i));
  return [circuit, others, [], ...curve, ...chance];
}

/** A circuit and the rule that found it. */
interface Found extends Ruled {
  readonly rule: RuleName;
}

interface Tested {
  readonly heads: readonly HeadAt[];
  readonly known: KeptSets;
  readonly samples: readonly SelectedSample[];
}

/**
 * What a circuit does on samples that it was not found on; undefined where none of them has shares.
 *
 * @param sets as `testSets` lists them.
 */
async function testOf(
  run: StudyRun,
  circuit: HeadSet,
  sets: readonly HeadSet[],
  { heads, known, samples }: Tested,
): Promise<Omit<RuledCircuit, keyof Group | "rule" | "found_on"> | undefined> {
  const [own, without, none, ...more] = await known.sharesOf(sets, samples);
  if (own!.length === 0) return undefined;
  const means = more.map(mean);
  const points = mibSizes(heads.length).length;
  const drawn = means.slice(points);
  const [low, high] = bootstrap(own!, RESAMPLES, random(run.settings.seed, "kept"));
  return {
    heads: circuit.map((at) => siteHeadName(heads[at]!)),
    size: circuit.length,
    of: heads.length,
    tested_on: own!.length,
    kept: mean(own!),
    kept_low: low,
    kept_high: high,
    removed: mean(without!),
    no_head: mean(none!),
    random: mean(drawn),
    random_sets: drawn.length,
    p_value: circuit.length === 0 ? null : pValueOf(mean(own!), drawn),
    ...(mibAreas(means.slice(0, points), mean(none!)) ?? { cpr: null, cmd: null }),
  };
}

/** A random set with as many heads of each layer of each site. */
function alike(heads: readonly HeadAt[], circuit: HeadSet, seed: number, draw: number): HeadSet {
  const choose = random(seed, "alike", draw);
  const layerOf = (at: number) => `${heads[at]!.site} ${heads[at]!.layer}`;
  const chosen: number[] = [];
  for (const layer of new Set(circuit.map(layerOf))) {
    const left = heads.flatMap((_, at) => (layerOf(at) === layer ? [at] : []));
    const count = circuit.filter((at) => layerOf(at) === layer).length;
    chosen.push(...choose.draw(left, count));
  }
  return chosen;
}
