import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pearson } from "../../src/patching/agreement.js";
import { attributeAll } from "../../src/patching/attribute.js";
import { faithfulness, faithfulnessCurve } from "../../src/patching/faithful.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Blip } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { sweep } from "../../src/patching/sweep.js";
import { openPool, type Pool } from "../../src/pool.js";
import { exportScores } from "../../src/study/export.js";
import { readFindings } from "../../src/study/findings.js";
import { mergeRuns } from "../../src/study/merge.js";
import { StudyRun } from "../../src/study/run.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { STAGES, type StageName, type Watch } from "../../src/study/stage.js";
import { runStages, type StudyOptions } from "../../src/study/study.js";
import { readTests } from "../../src/study/verify.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { attributesTable } from "../support/scenes-table.js";

/** Five of 18 heads; all three layers of the site without heads. */
const SETTINGS: GivenSettings = {
  n: 4,
  candidates: 5,
  seed: 3,
  modalities: ["image"],
  sites: ["text.cross.z", "text.resid_post"],
  screen: 5,
  verify: 3,
  randomSets: 4,
};

const silent: Watch = { begin: () => ({ update() {}, end() {} }), warn() {} };

type Row = Record<string, string>;

/** One process for all of these tests, which takes two seconds to start. */
let pool: Pool | undefined;

async function study(
  folder: string,
  stages: readonly StageName[],
  { given = {}, ...options }: StudyOptions & { given?: GivenSettings } = {},
): Promise<void> {
  using run = await StudyRun.open(folder, given);
  pool ??= await openPool("weights/scenes", { workers: 1 });
  await runStages(run, stages, { watch: silent, executor: pool, ...options });
}

async function exported(folder: string): Promise<string> {
  using run = await StudyRun.reopen(folder);
  const file = join(temporaryFolder(), "scores.csv");
  await exportScores(run, file, "csv");
  return readFileSync(file, "utf8");
}

async function verifiedRows(folder: string): Promise<unknown[]> {
  using run = await StudyRun.reopen(folder);
  return await run.store.rows("SELECT * EXCLUDE (provenance) FROM verified ORDER BY dataset, sample, modality");
}

/** A stored sample's pair. */
async function pairOf(blip: Blip, run: StudyRun, dataset: string, name: string): Promise<Pair> {
  const [sample] = await run.store.rows<Row>("SELECT * FROM samples WHERE dataset = $1 AND sample = $2", [
    dataset,
    name,
  ]);
  const { image, corrupt_image, question, correct, incorrect } = sample!;
  return blip.pair({
    image: run.path(image!),
    corruptImage: run.path(corrupt_image!),
    question: question!,
    answers: [correct!, incorrect!],
  });
}

const near = (a: number, b: number, what: string) => assert.ok(Math.abs(a - b) <= 1e-4, `${what}: ${a} and ${b}`);

const test = suite<{ table: string; folder: string; selected: string; csv: string; rows: Row[] }>("screened study");

test.before(async (context) => {
  context.table = await attributesTable(5, 1003);
  context.selected = join(temporaryFolder(), "selected");
  await study(context.selected, ["prepare", "evaluate", "select"], {
    given: { ...SETTINGS, dataset: [context.table] },
  });
  context.folder = join(temporaryFolder(), "run");
  cpSync(context.selected, context.folder, { recursive: true });
  await study(context.folder, STAGES);
  context.csv = await exported(context.folder);
  context.rows = parse(context.csv, { columns: true });
});

test.after(() => pool?.close());

test("the heads of which gradients expect most are patched, in all samples alike", async ({ folder, rows }) => {
  using run = await StudyRun.reopen(folder);
  using blip = await loadBlip("weights/scenes");
  const own = rows.filter(({ dataset, site }) => dataset === "attributes" && site === "text.cross.z");
  const names = [...new Set(own.map(({ sample }) => sample!))];
  assert.is(names.length, 4);
  const expected = new Map<string, number>();
  for (const name of names) {
    using pair = await pairOf(blip, run, "attributes", name);
    const [attributed] = await attributeAll(pair, ["text.cross.z"]);
    const exact = name === names[0] ? await sweep(pair, { site: "text.cross.z" }) : undefined;
    const [layers, heads, tokens] = attributed!.facts.shape as [number, number, number];
    for (let layer = 0; layer < layers; layer++)
      for (let head = 0; head < heads; head++) {
        const sizes = Array.from({ length: tokens }, (_, at) =>
          Math.abs(attributed!.at("logitDiff", layer, head, at)!),
        );
        const key = `${layer}.${head}`;
        expected.set(key, (expected.get(key) ?? 0) + Math.max(...sizes));
      }
    for (const row of own.filter(({ sample }) => sample === name)) {
      const index = [row.layer, row.head, row.position].map(Number);
      near(Number(row.attribution), attributed!.at("logitDiff", ...index)!, `attribution ${index}`);
      if (exact && row.logitDiff !== "")
        near(Number(row.logitDiff), exact.at("logitDiff", ...index)!, `exact ${index}`);
    }
  }
  const best = [...expected].sort(([, a], [, b]) => b - a).slice(0, 5);
  for (const name of names) {
    const patched = own.filter(({ sample, prob }) => sample === name && prob !== "");
    assert.equal(
      [...new Set(patched.map(({ layer, head }) => `${layer}.${head}`))].sort(),
      best.map(([key]) => key).sort(),
    );
  }
  assert.ok(rows.filter(({ site }) => site === "text.resid_post").every(({ prob }) => prob !== ""));
});

test("circuits count what gradients expect of the others", async ({ folder, rows }) => {
  using run = await StudyRun.reopen(folder);
  const { circuits, attribution } = await readFindings(run);
  assert.ok(circuits.length > 0);
  for (const { dataset, circuit } of circuits) {
    assert.is(circuit.heads.length, 5);
    const own = rows.filter(
      (row) => row.dataset === dataset && row.site === "text.cross.z" && row.position === row.answer_token,
    );
    const means = new Map<string, number[]>();
    for (const row of own) {
      const way = Number(row.clean_logit_diff) - Number(row.corrupted_logit_diff);
      if (Math.abs(way) < 0.5) continue;
      const effect = row.effect === "" ? Number(row.attribution) / way : Number(row.effect);
      means.set(`${row.layer}.${row.head}`, [...(means.get(`${row.layer}.${row.head}`) ?? []), Math.abs(effect)]);
    }
    const sizes = [...means.values()].map((all) => all.reduce((sum, size) => sum + size) / all.length);
    assert.is(sizes.length, 18);
    const mean = sizes.reduce((sum, size) => sum + size) / 18;
    const deviation = Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / 18);
    near(circuit.threshold, mean + 2 * deviation, `${dataset}: threshold`);
  }
  const both = rows.filter(({ site, prob }) => site === "text.cross.z" && prob !== "");
  const of = (column: string) => both.map((row) => Number(row[column]));
  const { sites, misses } = attribution[0]!;
  const cross = sites.find(({ site }) => site === "text.cross.z")!;
  assert.is(cross.places, both.length);
  near(cross.pearson!, pearson(of("attribution"), of("logitDiff"))!, "Pearson");
  const furthest = Math.max(...both.map((row) => Math.abs(Number(row.attribution) - Number(row.logitDiff))));
  const [worst] = misses.filter(({ site }) => site === "text.cross.z");
  near(Math.abs(worst!.expected - worst!.exact), furthest, "worst miss");
});

test("circuits are tested on samples that they were not found on, as the library tests them", async ({
  folder,
  rows,
}) => {
  using run = await StudyRun.reopen(folder);
  using blip = await loadBlip("weights/scenes");
  const tests = await readTests(run);
  const { verified } = await readFindings(run);
  assert.is(verified.length, tests.length);
  assert.ok(tests.length > 0);
  const selected = await run.store.rows<{ sample: string }>("SELECT sample FROM selected WHERE dataset = $1", [
    tests[0]!.dataset,
  ]);
  const estimated = (row: Row) =>
    row.effect !== ""
      ? Number(row.effect)
      : Number(row.attribution) / (Number(row.clean_logit_diff) - Number(row.corrupted_logit_diff));
  for (const { dataset, foundOn, samples, ranked } of tests) {
    assert.is(new Set([...foundOn, ...samples]).size, foundOn.length + samples.length, "a sample of both halves");
    assert.ok(foundOn.length > 0 && foundOn.length <= 2 && samples.length > 0);
    // The ranking in plain arithmetic, from the samples that it was found on alone.
    const own = rows.filter((row) => row.dataset === dataset && row.site === "text.cross.z");
    const size = ({ layer, head }: { readonly layer: number; readonly head: number }) =>
      foundOn.reduce((sum, sample) => {
        const places = own.filter((row) => row.sample === sample && row.layer === `${layer}` && row.head === `${head}`);
        return sum + Math.abs(places.reduce((effect, row) => effect + estimated(row), 0));
      }, 0);
    const sizes = ranked.map(size);
    assert.is(sizes.length, 18);
    for (const [i, one] of sizes.entries()) assert.ok(i === 0 || one <= sizes[i - 1]! + 1e-6, `${i}: ${sizes}`);
  }
  const [one] = tests;
  const [result] = verified;
  const kept: number[] = [];
  const chance: number[][] = [];
  const areas: number[] = [];
  for (const name of one!.samples) {
    assert.ok(selected.some(({ sample }) => sample === name));
    using pair = await pairOf(blip, run, one!.dataset, name);
    const sites = ["text.cross.z"] as const;
    const found = await faithfulness(pair, one!.heads, { sites, randomSets: 4, seed: 3 });
    kept.push(found.kept);
    chance.push([...found.random.kept]);
    areas.push((await faithfulnessCurve(pair, one!.ranked, { sites, sizes: one!.sizes })).cpr);
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value) / values.length;
  near(result!.kept, mean(kept), "kept");
  near(result!.cpr, mean(areas), "CPR");
  const sets = chance[0]!.map((_, set) => mean(chance.map((own) => own[set]!)));
  assert.is(result!.pValue, (sets.filter((share) => share >= mean(kept) - 1e-5).length + 1) / 5);
  assert.equal([result!.sizes[0], result!.sizes.at(-1), result!.of], [0, 18, 18]);
  near(result!.curve.at(-1)!, 1, "all heads");
});

test("shards merged are the whole run; screening and testing go on where they were stopped", async ({
  folder,
  selected,
  csv,
}) => {
  const stopped = join(temporaryFolder(), "stopped");
  cpSync(selected, stopped, { recursive: true });
  await refused(() => study(stopped, ["patch"]), "options", "notice screen");
  await refused(() => study(stopped, ["verify"]), "options", "not patched yet");
  await interrupted(stopped, "screen", 2);
  await study(stopped, ["screen"]);
  const other = join(temporaryFolder(), "other");
  cpSync(stopped, other, { recursive: true });
  await study(stopped, ["patch"], { shard: { index: 0, count: 2 } });
  await study(other, ["patch"], { shard: { index: 1, count: 2 } });
  const merged = join(temporaryFolder(), "merged");
  await mergeRuns(merged, [stopped, other]);
  assert.is(await exported(merged), csv);
  await study(other, ["verify"], { shard: { index: 1, count: 2 } });
  assert.equal(await verifiedRows(other), [], "a circuit takes all shards");
  const copies = [0, 1].map((index) => ({ index, count: 2, folder: join(temporaryFolder(), "copy") }));
  for (const { folder: copy, ...shard } of copies) {
    cpSync(merged, copy, { recursive: true });
    await study(copy, ["verify"], { shard });
  }
  const tested = join(temporaryFolder(), "tested");
  const [one, two] = copies.map((copy) => copy.folder) as [string, string];
  assert.equal(await mergeRuns(tested, [one, two]), { asked: 5, patched: 4, selected: 4 });
  assert.is(await exported(tested), csv);
  assert.equal(await verifiedRows(tested), await verifiedRows(folder));
  for (const copy of [one, two]) assert.ok((await verifiedRows(copy)).length < (await verifiedRows(folder)).length);
  await refused(() => mergeRuns(join(temporaryFolder(), "twice"), [tested, one]), "options", "both tested");
  await interrupted(merged, "verify", 1);
  assert.ok((await verifiedRows(merged)).length >= 1);
  await study(merged, ["verify"]);
  assert.equal(await verifiedRows(merged), await verifiedRows(folder));
  // Another reading is another test; the earlier one is not lost.
  const before = (await verifiedRows(folder)).length;
  await study(folder, ["verify"], { given: { verify: 1, randomSets: 5 } });
  assert.ok((await verifiedRows(folder)).length > before);
  await study(folder, ["verify"], { given: { verify: 3, randomSets: 4 } });
  using run = await StudyRun.reopen(folder);
  assert.is((await readFindings(run)).verified[0]!.randomSets.length, 4);
});

/** A stage that is stopped after so many samples. */
async function interrupted(folder: string, stage: StageName, after: number): Promise<void> {
  const stop = new AbortController();
  const begin: Watch["begin"] = () => ({
    update: (done) => done === after && stop.abort(new Error("stopped")),
    end() {},
  });
  const message = await study(folder, [stage], { watch: { ...silent, begin }, signal: stop.signal }).catch(
    (error: Error) => error.message,
  );
  assert.is(message, "stopped");
}

test("a run without attribution stores none, and has nothing to compare", async ({ selected, table }) => {
  const folder = join(temporaryFolder(), "plain");
  cpSync(selected, folder, { recursive: true });
  await refused(() => StudyRun.open(folder, { attribution: false }), "options", "attribution is true there");
  const alone = join(temporaryFolder(), "alone");
  const given: GivenSettings = {
    n: 1,
    candidates: 1,
    attribution: false,
    sites: ["text.resid_post"],
    modalities: ["image"],
  };
  await study(alone, STAGES, { given: { ...given, dataset: [table] } });
  using run = await StudyRun.reopen(alone);
  assert.is(await run.store.count("SELECT count(attribution) FROM scores"), 0);
  const { verified, attribution } = await readFindings(run);
  assert.equal([verified, attribution], [[], []]);
});

test.run();
