import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import { sweep } from "../../src/patching/sweep.js";
import { openPool, type Pool } from "../../src/pool.js";
import { gatherReport } from "../../src/report/gather.js";
import { writeReport } from "../../src/report/report.js";
import { readCircuits } from "../../src/study/circuits.js";
import { exportScores } from "../../src/study/export.js";
import { readFindings, summarise } from "../../src/study/findings.js";
import { mergeRuns } from "../../src/study/merge.js";
import { StudyRun } from "../../src/study/run.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { STAGES, type StageName, type Watch } from "../../src/study/stage.js";
import { runStages, type StudyOptions } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const SETTINGS: GivenSettings = {
  n: 2,
  candidates: 3,
  seed: 4,
  modalities: ["image", "text", "gaussian"],
  sites: ["decoder.cross.z", "text.cross.z", "text.resid_post", "vision.self.z"],
  sigma: 2,
  // They have tests of their own: screen.test.ts.
  attribution: false,
  verify: 0,
};

/** Of runs that are compared with each other only. */
const LIGHT: GivenSettings = { ...SETTINGS, modalities: ["text", "gaussian"], sites: ["decoder.cross.z"] };

const silent: Watch = { begin: () => ({ update() {}, end() {} }), warn() {} };

type Row = Record<string, string>;

/** One process for the stages that say nothing of workers or a model, which takes seconds to start. */
let pool: Pool | undefined;

/** Does stages of a run that is begun or gone on with. */
async function study(
  folder: string,
  given: GivenSettings = {},
  stages: readonly StageName[] = STAGES,
  options: Partial<StudyOptions> = {},
): Promise<void> {
  using run = await StudyRun.open(folder, given);
  const own = options.workers !== undefined || given.model !== undefined;
  if (!own) pool ??= await openPool("weights/scenes", { workers: 1 });
  await runStages(run, stages, { watch: silent, workers: 1, executor: own ? undefined : pool, ...options });
}

async function exported(folder: string): Promise<string> {
  using run = await StudyRun.reopen(folder);
  const file = join(temporaryFolder(), "scores.csv");
  await exportScores(run, file, "csv");
  return readFileSync(file, "utf8");
}

const COLUMNS = [
  ["prob", "prob"],
  ["probDiff", "prob_diff"],
  ["logitDiff", "logit_diff"],
  ["effect", "effect"],
] as const;
type Column = (typeof COLUMNS)[number][1];

const rowsOf = (csv: string) => parse(csv, { columns: true }) as Row[];

const test = suite<{ folder: string; csv: string }>("study");

test.before(async (context) => {
  context.folder = join(temporaryFolder(), "run");
  await study(context.folder, SETTINGS);
  context.csv = await exported(context.folder);
});

test.after(async () => {
  await pool?.close();
});

test("every selected sample is patched, in balanced groups", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const datasets = await summarise(run);
  assert.equal(
    datasets.map(({ dataset }) => dataset),
    ["actions", "attributes", "faces"],
  );
  for (const { samples, asked, correct, selected, patched } of datasets) {
    assert.equal([samples, asked, selected, patched], [3, 3, 2, 2]);
    assert.ok(correct >= 2);
  }
  const groups = await run.store.rows<{ most: number }>(
    `SELECT CAST(max(n) AS INTEGER) AS most FROM (
       SELECT dataset, sample_group, count(*) AS n FROM selected JOIN samples USING (dataset, sample) GROUP BY ALL)
     WHERE dataset <> 'faces'`,
  );
  assert.is(groups[0]!.most, 1);
});

test("the scores in the store are those of a sweep", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  using blip = await loadBlip("weights/scenes");
  const samples = await run.store.rows<Record<string, string>>(
    "SELECT s.* FROM samples s JOIN selected USING (dataset, sample) WHERE ordinal = 0 ORDER BY dataset",
  );
  for (const { dataset, sample, image, corrupt_image, corrupt_question, question, correct, incorrect } of samples)
    for (const modality of ["image", "text"] as const) {
      const asked = { image: run.path(image!), question: question!, answers: [correct!, incorrect!] as const };
      using pair = await blip.pair(
        modality === "image"
          ? { ...asked, corruptImage: run.path(corrupt_image!) }
          : { ...asked, corruptQuestion: corrupt_question! },
      );
      for (const site of SETTINGS.sites!) {
        const scores = await sweep(pair, { site });
        const found = await run.store.rows<
          Record<"layer" | Column, number> & Record<"head" | "position", number | null>
        >(
          `SELECT layer, head, position, prob, prob_diff, logit_diff, effect FROM scores
           WHERE dataset = $1 AND sample = $2 AND modality = $3 AND site = $4`,
          [dataset!, sample!, modality, site],
        );
        assert.is(
          found.length,
          scores.facts.shape.reduce((product, side) => product * side),
        );
        for (const { layer, head, position, ...row } of found) {
          const index = [layer, head, position].filter((at) => at !== null);
          // Logits of 15 round at 1e-6, and how passes are batched depends on the memory at hand.
          for (const [metric, column] of COLUMNS)
            assert.ok(
              Math.abs(row[column] - scores.at(metric, ...index)!) <= (column === "logit_diff" ? 1e-4 : 1e-5),
              `${site} ${index} ${metric}`,
            );
        }
      }
    }
});

/** How far corruption moves the answer, in logits. */
const way = (row: Row) => Math.abs(Number(row.clean_logit_diff) - Number(row.corrupted_logit_diff));

// The rule that tells which heads are a circuit is held against values by hand in circuits.test.ts.
test("circuits are of the rows that are exported", async ({ folder, csv }) => {
  using run = await StudyRun.reopen(folder);
  const { circuits } = await readCircuits(run);
  assert.is(circuits.length, 3 * 3 * 3);
  for (const { site, circuit, unplaced } of circuits) {
    assert.is(circuit.samples + circuit.degenerate, 2);
    assert.ok(circuit.samples > 0);
    assert.equal([circuit.heads.length, unplaced], [site === "vision.self.z" ? 24 : 18, 0]);
  }
  const rows = rowsOf(csv);
  for (const { dataset, modality, site, circuit } of circuits.filter(({ site }) => site === "text.cross.z")) {
    const own = rows.filter(
      (row) =>
        row.dataset === dataset &&
        row.modality === modality &&
        row.site === site &&
        row.position === row.answer_token &&
        way(row) >= 0.5,
    );
    const sizes = circuit.heads.map(({ layer, head }) => {
      const scores = own
        .filter((row) => row.layer === `${layer}` && row.head === `${head}`)
        .map(({ effect }) => effect!);
      return scores.reduce((sum, effect, _, all) => sum + Math.abs(Number(effect)) / all.length, 0);
    });
    for (const [i, one] of circuit.heads.entries()) assert.ok(Math.abs(one.mean - sizes[i]!) < 1e-9);
  }
});

test("an exported row names its token", ({ csv }) => {
  const rows = rowsOf(csv);
  const tokens = (site: string) => new Set(rows.filter((row) => row.site === site).map(({ token }) => token));
  assert.ok(tokens("text.cross.z").has("[CLS]") && tokens("text.cross.z").has("or"));
  assert.equal([...tokens("decoder.cross.z")], ["[DEC]"]);
  assert.equal([...tokens("vision.self.z")], [""]);
  for (const row of rows.filter(
    ({ site, position, answer_token }) => site === "text.cross.z" && position === answer_token,
  ))
    assert.is(row.token, row.correct);
});

test("nothing is selected before all is asked, and nothing patched before it is selected", async () => {
  const folder = join(temporaryFolder(), "run");
  await study(folder, { ...LIGHT, n: 1, candidates: 1 }, ["prepare"]);
  await refused(() => study(folder, {}, ["select"]), "options", "3 questions are not asked yet");
  await refused(() => study(folder, {}, ["patch"]), "options", "no selected samples");
});

test("the report says what the store holds", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const data = await gatherReport(run, await readFindings(run));
  assert.equal(
    data.datasets.map(({ name, candidates, groups }) => [
      name,
      candidates,
      groups.reduce((n, one) => n + one.selected, 0),
    ]),
    ["actions", "attributes", "faces"].map((name) => [name, 3, 2]),
  );
  assert.equal([data.run.backend.length > 0, data.run.seed, data.run.settings.sigma], [true, 4, 2]);
  assert.is(data.circuits.length, 27);
  assert.ok(
    data.circuits.every(({ site, layers, heads }) => layers === (site === "vision.self.z" ? 4 : 3) && heads === 6),
  );
  assert.is(data.tokenMaps.length, 9);
  const whole = data.tokenMaps.find(({ dataset, modality }) => dataset === "attributes" && modality === "text")!;
  // The last layer's row of the correct answer carries its word: under STR it brings most of the answer back.
  assert.ok(whole.means.at(-1)![whole.roles.indexOf("correct answer")]! > 0.3);
  assert.equal(
    data.overlays.map(({ dataset }) => dataset),
    ["actions", "attributes", "faces"],
  );
  assert.ok(data.headFunctions.every(({ objectSamples, objectMass }) => objectSamples === 2 && objectMass! > 0));
  const page = readFileSync(await writeReport(data, join(temporaryFolder(), "report"), { png: false }), "utf8");
  for (const { id, question } of data.overlays) assert.ok(page.includes(id) && page.includes(question));
});

test("noise on the picture follows from the seed, and differs from sample to sample", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const passes = await run.store.rows<{ corrupted_prob: number; clean_prob: number }>(
    "SELECT corrupted_prob, clean_prob FROM passes WHERE modality = 'gaussian'",
  );
  assert.is(passes.length, 6);
  assert.is(new Set(passes.map(({ corrupted_prob }) => corrupted_prob)).size, 6);
  assert.ok(passes.every(({ corrupted_prob, clean_prob }) => corrupted_prob !== clean_prob));
});

test("heads' attention is measured on every sample that has a mask", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const [found] = await run.store.rows<Record<string, number>>(
    `SELECT CAST(count(*) AS INTEGER) AS all, CAST(count(object_mass) AS INTEGER) AS masked, CAST(count(pattern) AS INTEGER) AS patterns,
       min(object_mass) AS least, max(object_mass) AS most FROM attention`,
  );
  assert.equal([found!.all, found!.masked, found!.patterns], [6 * 18, 6 * 18, 6 * 18]);
  assert.ok(found!.least! >= 0 && found!.most! <= 1);
});

test("one seed gives one export; shards merged, and an interrupted run, give the same", async () => {
  const whole = join(temporaryFolder(), "whole");
  await study(whole, LIGHT, ["prepare", "evaluate", "select", "patch"], { workers: 2 });
  const csv = await exported(whole);
  assert.is(rowsOf(csv).length, 6 * 2 * 18);
  const prepared = join(temporaryFolder(), "prepared");
  await study(prepared, LIGHT, ["prepare", "evaluate", "select"]);
  const shards = [0, 1, 2].map((index) => ({ index, count: 3, folder: join(temporaryFolder(), `shard-${index}`) }));
  for (const { index, count, folder: shard } of shards) {
    cpSync(prepared, shard, { recursive: true });
    await study(shard, {}, ["patch"], { shard: { index, count } });
  }
  const merged = join(temporaryFolder(), "merged");
  const runs = shards.map((shard) => shard.folder);
  assert.equal(await mergeRuns(merged, runs), { asked: 9, patched: 6, selected: 6 });
  assert.is(await exported(merged), csv);
  const twice = join(temporaryFolder(), "twice");
  await refused(() => mergeRuns(twice, [runs[0]!, runs[0]!]), "options", "both patched");
  await refused(() => mergeRuns(merged, runs), "options", "is there already");
  assert.not(existsSync(twice));

  const stop = new AbortController();
  const begin: Watch["begin"] = () => ({ update: (done) => done === 2 && stop.abort(new Error("stopped")), end() {} });
  const stopped = await study(prepared, {}, ["patch"], { watch: { ...silent, begin }, signal: stop.signal }).catch(
    (error: Error) => error.message,
  );
  assert.is(stopped, "stopped");
  using run = await StudyRun.reopen(prepared);
  const patched = (await summarise(run)).reduce((sum, one) => sum + one.patched, 0);
  assert.ok(patched >= 2 && patched < 6, `${patched} are patched`);
  run[Symbol.dispose]();
  await study(prepared, {}, ["patch"]);
  assert.is(await exported(prepared), csv);
});

test("a run refuses other settings, other data in its folder, and a second process", async ({ folder }) => {
  await refused(() => StudyRun.open(folder, { n: 4 }), "options", folder, "n is 2 there and 4 here");
  const foreign = temporaryFolder();
  cpSync("README.md", join(foreign, "README.md"));
  await refused(() => StudyRun.open(foreign), "options", "README.md");
  await refused(() => StudyRun.reopen(join(foreign, "none")), "options", "notice study");
  using run = await StudyRun.open(folder, { metric: "logitDiff", position: "answer-1" });
  const { circuits } = await readCircuits(run);
  assert.ok(circuits.some(({ circuit }) => circuit.heads.some(({ mean }) => mean > 0)));
});

test("another model of the same name is refused", async () => {
  const model = join(temporaryFolder(), "model");
  cpSync("weights/scenes", model, { recursive: true });
  const folder = join(temporaryFolder(), "run");
  await study(folder, { ...LIGHT, n: 1, candidates: 1, model }, ["prepare", "evaluate", "select"]);
  const config = readFileSync(join(model, "config.json"), "utf8");
  rmSync(join(model, "config.json"));
  writeFileSync(join(model, "config.json"), `${config} `);
  await refused(() => study(folder, {}, ["patch"]), "checkpoint", "other weights");
});

test.run();
