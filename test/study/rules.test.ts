import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { faithfulness, type HeadAt } from "../../src/patching/faithful.js";
import { loadBlip } from "../../src/patching/model.js";
import { openPool, type Pool } from "../../src/pool.js";
import { exportRules } from "../../src/study/export.js";
import { readFindings } from "../../src/study/findings.js";
import { pairsOf } from "../../src/study/pairs.js";
import { selectedSamples } from "../../src/study/queries/samples.js";
import { type Headline, headlines, type RuledCircuit } from "../../src/study/ruled.js";
import { StudyRun } from "../../src/study/run.js";
import { STAGES, type StageName, type Watch } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { halves } from "../../src/study/verify.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const silent: Watch = { begin: () => ({ update() {}, end() {} }), warn() {} };
const SETTINGS = {
  n: 8,
  candidates: 10,
  dataset: ["scenes"],
  modalities: ["image"],
  sites: ["text.cross.z"],
  verify: 4,
  randomSets: 3,
  metric: "logitDiff",
} as const;

const test = suite<{ folder: string; pool: Pool }>("rules");

async function study(folder: string, pool: Pool, stages: readonly StageName[], signal?: AbortSignal): Promise<void> {
  using run = await StudyRun.reopen(folder);
  await runStages(run, stages, { watch: silent, executor: pool, signal });
}

test.before(async (context) => {
  context.folder = join(temporaryFolder(), "run");
  context.pool = await openPool("weights/scenes", { workers: 1 });
  using run = await StudyRun.open(context.folder, { ...SETTINGS, dataset: [...SETTINGS.dataset] } as never);
  await runStages(run, STAGES, { watch: silent, executor: context.pool });
});

test.after(async ({ pool }) => {
  await pool.close();
});

const headOf = (name: string): HeadAt => {
  const [, site, layer, head] = /^(.*):L(\d+)H(\d+)$/.exec(name)!;
  return { site: site as HeadAt["site"], layer: Number(layer), head: Number(head) };
};

test("what a circuit keeps is what faithfulness says of it on the other half", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const { rules } = await readFindings(run);
  const one = rules.find(({ rule, dataset }) => rule === "minimal" && dataset === "attributes")!;
  const { testing, finding } = await halves(run, { dataset: "attributes", modality: "image" });
  assert.equal([one.found_on, one.tested_on], [finding.size, Math.min(4, testing.length)]);
  const samples = await selectedSamples(run.store);
  using blip = await loadBlip("weights/scenes");
  const found: Awaited<ReturnType<typeof faithfulness>>[] = [];
  for (const name of testing.slice(0, 4)) {
    const sample = samples.find((other) => other.sample === name && other.dataset === "attributes")!;
    using pair = await blip.pair(pairsOf(run, sample).pairs[0]!.input as never);
    found.push(await faithfulness(pair, one.heads.map(headOf) as never, { sites: ["text.cross.z"], randomSets: 0 }));
  }
  for (const figure of ["kept", "removed"] as const) {
    const expected = found.reduce((sum, each) => sum + each[figure], 0) / found.length;
    assert.ok(Math.abs(one[figure] - expected) < 1e-4, `${figure}: ${one[figure]}, not ${expected}`);
  }
  assert.ok(one.kept_low <= one.kept && one.kept <= one.kept_high);
  assert.is(one.size, one.heads.length);
});

test("every rule has a row a group; a set is asked about once, and nothing again", async ({ folder, pool }) => {
  using before = await StudyRun.reopen(folder);
  const sql = "SELECT count(*) FROM kept";
  const kept = await before.store.count(sql);
  assert.is(
    await before.store.count("SELECT count(*) FROM (SELECT DISTINCT dataset, sample, modality, heads FROM kept)"),
    kept,
  );
  const rules = await before.store.rows("FROM rules ORDER BY dataset, rule");
  assert.is(rules.length, 3 * 9);
  await before.store.run("DELETE FROM rules");
  before[Symbol.dispose]();
  await study(folder, pool, ["rules"]);
  using after = await StudyRun.reopen(folder);
  assert.is(await after.store.count(sql), kept);
  assert.equal(await after.store.rows("FROM rules ORDER BY dataset, rule"), rules);
});

test("an interrupted search goes on where it was", async ({ folder, pool }) => {
  {
    using run = await StudyRun.reopen(folder);
    await run.store.run("DELETE FROM rules");
    await run.store.run("DELETE FROM kept WHERE dataset = 'faces'");
  }
  const left = new AbortController();
  const watch: Watch = { begin: () => ({ update: () => left.abort(new Error("enough")), end() {} }), warn() {} };
  {
    using run = await StudyRun.reopen(folder);
    const stopped = runStages(run, ["rules"], { watch, executor: pool, signal: left.signal });
    assert.match(await stopped.then(String, String), /enough/);
    assert.is(await run.store.count("SELECT count(DISTINCT dataset) FROM rules"), 1);
  }
  await study(folder, pool, ["rules"]);
  using run = await StudyRun.reopen(folder);
  assert.is(await run.store.count("SELECT count(DISTINCT dataset) FROM rules"), 3);
});

test("circuits by rules are exported, and read anew for other settings", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const file = join(temporaryFolder(), "rules.csv");
  for (const _ of [1, 2]) assert.is(await exportRules(run, file, "csv"), 27);
  const rows = parse(readFileSync(file, "utf8"), { columns: true }) as Record<string, string>[];
  const { rules } = await readFindings(run);
  const [row, one] = [rows[0]!, rules[0]!];
  assert.equal(
    [row.dataset, row.rule, row.heads, Number(row.size)],
    [one.dataset, one.rule, one.heads.join(" "), one.size],
  );
  assert.ok(Math.abs(Number(row.kept) - one.kept) < 1e-12);
  const other = Object.create(run, { settings: { value: { ...run.settings, randomSets: 4 } } });
  assert.equal((await readFindings(other)).rules, []);
});

test("a run folder from before there were rules opens, and says what to do", async () => {
  const folder = join(temporaryFolder(), "run");
  {
    using _ = await StudyRun.open(folder, { dataset: ["own.csv"] });
  }
  const instance = await DuckDBInstance.create(join(folder, "study.duckdb"));
  const connection = await instance.connect();
  for (const table of ["rules", "kept"]) await connection.run(`DROP TABLE ${table}`);
  connection.closeSync();
  instance.closeSync();
  using run = await StudyRun.reopen(folder);
  await refused(() => exportRules(run, join(temporaryFolder(), "r.csv"), "csv"), "options", "notice rules");
});

const row = (rule: RuledCircuit["rule"], size: number, kept: number, no_head = 0) =>
  ({ dataset: "own", modality: "image", rule, size, kept, of: 20, no_head, heads: [] }) as unknown as RuledCircuit;

test("the headline is the smallest that keeps 0.85, of fewer than half of the heads, or none", () => {
  const [found] = headlines([
    row("paper", 2, 0.6),
    row("effect", 9, 0.95),
    row("minimal", 8, 0.86),
    row("greedy", 10, 0.99),
  ]);
  assert.equal([found!.smallest!.rule, found!.most], ["minimal", null]);
  const [none] = headlines([row("paper", 2, 0.6), row("greedy", 12, 0.99), row("effect", 3, 4)]) as [Headline];
  assert.equal([none.smallest, none.most!.rule], [null, "paper"]);
  const [around] = headlines([row("paper", 0, 0.97, 0.97)]) as [Headline];
  assert.equal([around.smallest, around.without], [null, 0.97]);
});

test.run();
