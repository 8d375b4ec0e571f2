import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { mean } from "../../src/base/mean.js";
import { Executor, type Outcome } from "../../src/executors/executor.js";
import type { JobName, Jobs } from "../../src/jobs/jobs.js";
import { faithfulness } from "../../src/patching/faithful.js";
import { type HeadAt, siteHeadName } from "../../src/patching/head-place.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { openPool, type Pool } from "../../src/pool.js";
import { headsOf, testedSites } from "../../src/study/evidence.js";
import { exportRules } from "../../src/study/export.js";
import { readFindings } from "../../src/study/findings.js";
import { KeptSets } from "../../src/study/kept.js";
import { pairsOf } from "../../src/study/pairs.js";
import { readPublished } from "../../src/study/published.js";
import { selectedSamples } from "../../src/study/queries/samples.js";
import { circuitOf, type Headline, headlines, type RuledCircuit, shownChance } from "../../src/study/ruled.js";
import { StudyRun } from "../../src/study/run.js";
import { STAGES, type StageName, type Watch } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { halves, readTests } from "../../src/study/verify.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { refused } from "../support/refused.js";

const silent: Watch = { begin: () => ({ update() {}, end() {} }), warn() {} };
const SETTINGS = {
  n: 6,
  candidates: 8,
  dataset: ["scenes"],
  modalities: ["image"],
  sites: ["text.cross.z"],
  verify: 3,
  randomSets: 2,
  headlineSets: 30,
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
  assert.equal([one.found_on, one.tested_on], [finding.size, Math.min(3, testing.length)]);
  const samples = await selectedSamples(run.store);
  using blip = await loadBlip("weights/scenes");
  const found: Awaited<ReturnType<typeof faithfulness>>[] = [];
  for (const name of testing.slice(0, 3)) {
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

test("what a head keeps alone is what faithfulness says of it on pairs that did not find it", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const { alone } = await readFindings(run);
  const own = alone.filter(({ dataset }) => dataset === "attributes");
  const tested = (await readTests(run)).find(({ dataset }) => dataset === "attributes")!;
  assert.equal(own.map(siteHeadName), tested.heads.map(siteHeadName));
  assert.ok(own.length > 0);
  const samples = await selectedSamples(run.store);
  using blip = await loadBlip("weights/scenes");
  const found: number[][] = [];
  for (const name of tested.samples) {
    assert.not(tested.foundOn.includes(name));
    const sample = samples.find((other) => other.sample === name && other.dataset === "attributes")!;
    using pair = await blip.pair(pairsOf(run, sample).pairs[0]!.input as never);
    const kept = async (heads: readonly HeadAt[]) =>
      (await faithfulness(pair, heads as never, { sites: ["text.cross.z"], randomSets: 0 })).kept;
    found.push([await kept(own.slice(0, 1)), await kept([])]);
  }
  const [kept, none] = [0, 1].map((at) => mean(found.map((each) => each[at]!)));
  const { low, high, ...one } = own[0]!;
  assert.ok(Math.abs(one.kept - kept!) < 1e-4 && Math.abs(one.none - none!) < 1e-4, `${one.kept}, not ${kept}`);
  assert.ok(low <= one.kept && one.kept <= high);
  assert.equal([one.found, one.tested], [tested.foundOn.length, found.length]);
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
  assert.is(rules.length, 3 * 10);
  await before.store.run("DELETE FROM rules");
  before[Symbol.dispose]();
  await study(folder, pool, ["rules"]);
  using after = await StudyRun.reopen(folder);
  assert.is(await after.store.count(sql), kept);
  assert.equal(await after.store.rows("FROM rules ORDER BY dataset, rule"), rules);
});

test("a sample without a pair has no part in what sets keep", async ({ folder, pool }) => {
  using run = await StudyRun.reopen(folder);
  const group = { dataset: "attributes", modality: "image" } as const;
  const sites = await testedSites(run);
  const stage = { run, watch: silent, executor: async () => pool };
  const sets = await KeptSets.open(stage, group, sites, await headsOf(run, sites));
  const own = (await selectedSamples(run.store)).find(({ dataset }) => dataset === "attributes")!;
  const lacking = { ...own, sample: "without a pair", corrupt_image: null };
  const [shares] = await sets.sharesOf([[]], [lacking, own]);
  assert.equal(shares, (await sets.sharesOf([[]], [own]))[0]);
  assert.ok(Number.isFinite(shares![0]));
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
    // The group that was in work beside it may just have been found, too; the third was not begun.
    assert.ok([1, 2].includes(await run.store.count("SELECT count(DISTINCT dataset) FROM rules")));
    assert.is(await run.store.count("SELECT count(*) FROM kept WHERE dataset = 'faces'"), 0);
  }
  await study(folder, pool, ["rules"]);
  using run = await StudyRun.reopen(folder);
  assert.is(await run.store.count("SELECT count(DISTINCT dataset) FROM rules"), 3);
});

test("a search that fails keeps what it had found until then", async ({ folder, pool }) => {
  using run = await StudyRun.reopen(folder);
  await run.store.run("DELETE FROM rules");
  await run.store.run("DELETE FROM kept");
  const executor = new Failing(pool, 2);
  const failed = runStages(run, ["rules"], { watch: silent, executor });
  assert.match(await failed.then(String, String), /no more/);
  assert.is(await run.store.count("SELECT count(DISTINCT sample) FROM kept"), 2);
  await runStages(run, ["rules"], { watch: silent, executor: pool });
  assert.is(await run.store.count("SELECT count(DISTINCT dataset) FROM rules"), 3);
});

/** Performs so many jobs as another executor does, and no more. */
class Failing extends Executor {
  readonly width = 1;

  constructor(
    private readonly of: Executor,
    private left: number,
  ) {
    super();
  }

  get backend() {
    return this.of.backend;
  }

  protected async performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    if (this.left-- <= 0) throw new Error("no more");
    for await (const { output } of this.of.perform(name, [{ key: 0, input }]))
      if (output !== undefined) return { output };
    throw new Error("It was refused.");
  }

  async close() {}
}

test("circuits by rules are exported, and read anew for other settings", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const file = join(temporaryFolder(), "rules.csv");
  for (const _ of [1, 2]) assert.is(await exportRules(run, file, "csv"), 30);
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

test("as published beside corrected, from a shell, again and again", async ({ folder }) => {
  for (const rule of ["as-published", "as-published", "minimal"] as const) {
    const { code, stdout, stderr } = await noticeHere("circuits", "--out", folder, "--rule", rule);
    assert.is(code, 0, stderr);
    assert.match(stdout, rule === "minimal" ? /minimal {2,}\d+ of 18/ : /left out +changed +as published +corrected/);
  }
  const { code, stderr } = await noticeHere("circuits", "--out", folder, "--rule", "best");
  assert.is(code, 2);
  assert.match(stderr, /no rule "best"; choose from as-published, paper/);
});

test("as published is |prob| at the token before the answer, of the questions that have it", async ({ folder }) => {
  using run = await StudyRun.reopen(folder);
  const found = (await readPublished(run)).find(({ dataset }) => dataset === "attributes")!;
  const rows = await run.store.rows<{ layer: number; head: number; mean: number }>(
    `SELECT layer, head, avg(abs(prob)) AS mean FROM scores JOIN passes USING (dataset, sample, modality)
     WHERE dataset = 'attributes' AND site = 'text.cross.z' AND position = answer_token - 1 GROUP BY ALL ORDER BY ALL`,
  );
  const means = rows.map(({ mean }) => mean);
  const centre = means.reduce((sum, one) => sum + one, 0) / means.length;
  const threshold = centre + 2 * Math.sqrt(means.reduce((sum, one) => sum + (one - centre) ** 2, 0) / means.length);
  assert.is(means.length, 18);
  assert.ok(Math.abs(found.threshold - threshold) < 1e-9, `${found.threshold}, not ${threshold}`);
  assert.equal(
    found.published.map(({ layer, head }) => `${layer}.${head}`).sort(),
    rows.filter(({ mean }) => mean >= threshold).map(({ layer, head }) => `${layer}.${head}`),
  );
  assert.equal([found.samples, found.leftOut, found.universal], [6, 0, []]);
});

test("the headline's circuit is compared with more random sets where none of the first keeps as much", async ({
  folder,
  pool,
}) => {
  const controls = async () => {
    using run = await StudyRun.reopen(folder);
    const found = await readFindings(run);
    const named = found.headlines.map(circuitOf);
    const others = found.rules.filter((one) => !named.includes(one));
    assert.equal([...new Set(others.map((one) => one.random_sets))], [2]);
    return named.flatMap((one) => one ?? []);
  };
  const before = await controls();
  const more = before.filter((one) => one.random_sets === 30);
  assert.ok(more.length > 0);
  for (const { p_value } of more)
    assert.ok(p_value! < 1 / 3 && Number.isInteger(Math.round(1e9 * 31 * p_value!) / 1e9));
  // The same sets come first, and one of them keeps as much.
  for (const one of before) if (one.random_sets === 2) assert.ok(one.p_value === null || one.p_value > 1 / 3);
  {
    using run = await StudyRun.reopen(folder, { headlineSets: 0 });
    assert.equal((await readFindings(run)).rules, [], "read anew for other settings");
  }
  await study(folder, pool, ["rules"]);
  for (const { random_sets } of await controls()) assert.is(random_sets, 2);
  using _ = await StudyRun.reopen(folder, { headlineSets: 30 });
});

test("a p is told as a share where no smaller one is possible", () => {
  const said = (p_value: number | null, random_sets: number) => shownChance({ p_value, random_sets });
  assert.equal([said(1 / 21, 20), said(1 / 1001, 1000), said(2 / 1001, 1000)], ["1/21", "1/1001", "0.002"]);
  assert.equal([said(2 / 21, 20), said(0.25, 19), said(null, 20)], ["0.095", "0.25", "-"]);
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
  const [none] = headlines([row("paper", 2, 0.6), row("greedy", 12, 0.99), row("effect", 3, 1.2)]) as [Headline];
  assert.equal([none.smallest, none.most!.rule], [null, "paper"]);
  const [around] = headlines([row("paper", 0, 0.97, 0.97)]) as [Headline];
  assert.equal([around.smallest, around.without], [null, 0.97]);
});

test.run();
