import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePng } from "../../src/pictures/picture.js";
import { gatherReport } from "../../src/report/gather.js";
import type { Findings } from "../../src/study/findings.js";
import { prepare } from "../../src/study/prepare.js";
import { StudyRun } from "../../src/study/run.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { folderOf } from "../support/prepare.js";
import { refused } from "../support/refused.js";

test("what a killed drawing of scenes left is removed, with all in it; scenes that are there stay", async () => {
  const folder = join(temporaryFolder(), "run");
  using run = await StudyRun.open(folder, { n: 2 });
  const left = join(folder, "scenes.partial-123", "images");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "1.png"), "half a picture");
  writeFileSync(join(folder, "notes.txt"), "mine");
  const bars: [string, number][] = [];
  const begin = (what: string, total: number) => {
    bars.push([what, total]);
    return { update() {}, end() {} };
  };
  await runStages(run, ["prepare"], { watch: { begin, warn() {} } });
  assert.equal(
    readdirSync(folder)
      .filter((name) => !name.startsWith("study.duckdb"))
      .sort(),
    ["notes.txt", "scenes", "settings.json"],
  );
  assert.equal(bars, [
    ["draw scenes", 12], // of each of three tasks twice `n`
    ["prepare scenes", 0],
  ]);
  assert.is(await run.store.count("SELECT count(*) FROM samples"), 12);
  // A second call has nothing to do.
  await runStages(run, ["prepare"], { watch: { begin, warn() {} } });
  assert.is(bars.length, 2);
});

test("while scenes are drawn, processes load the model, if a stage after it needs them", async () => {
  const opened: string[] = [];
  const prepared = async (name: string, settings: object) => {
    using run = await StudyRun.open(join(temporaryFolder(), "run"), settings);
    const openAhead = () => void opened.push(name);
    await prepare({ run, watch, executor: () => assert.unreachable() as never, openAhead });
    await prepare({ run, watch, executor: () => assert.unreachable() as never, openAhead });
  };
  await prepared("scenes", { n: 1 });
  await prepared("own", { dataset: [tableOf([row("1", "a", "e")])] });
  assert.equal(opened, ["scenes"]);
});

/** A PNG of one colour. */
const png = (red: number) => encodePng({ width: 2, height: 2, data: new Uint8Array(12).fill(red) });

/** A table of own pictures, beside pictures a (as b, c and d) and e. */
function tableOf(rows: readonly object[], name = "own.jsonl"): string {
  const folder = folderOf({ [name]: rows.map((row) => `${JSON.stringify(row)}\n`).join("") });
  for (const file of ["a", "b", "c", "d", "e"]) writeFileSync(join(folder, `${file}.png`), png(file === "e" ? 9 : 1));
  return join(folder, name);
}

const row = (id: string, image: string, corruptImage: string) => ({
  ...{ id, image: `${image}.png`, corruptImage: `${corruptImage}.png` },
  ...{ question: "is it red or blue?", answers: ["red", "blue"] },
});

const warnings: string[] = [];
const watch = { begin: () => ({ update() {}, end() {} }), warn: (message: string) => void warnings.push(message) };

test("one picture in two files is no pair; one in many files is named", async () => {
  const table = tableOf([row("1", "a", "b"), row("2", "a", "e"), row("3", "e", "c"), row("4", "d", "d")]);
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: [table] });
  await runStages(run, ["prepare"], { watch });
  const found = (table: string, column: string) => run.store.rows(`SELECT ${column} FROM ${table} ORDER BY ALL`);
  assert.equal(await found("samples", "sample"), [{ sample: "2" }, { sample: "3" }]);
  assert.equal(await found("exclusions", "stage, dataset, source, reason"), [
    { stage: "prepare", dataset: "own", source: "1", reason: "one image for both" },
    { stage: "prepare", dataset: "own", source: "4", reason: "one image for both" },
    { stage: "remark", dataset: "own", source: join(dirname(table), "a.png"), reason: "one picture in many files" },
  ]);
  const { datasets, notes } = await gatherReport(run, {
    ...{ circuits: [], universal: [], verified: [], rules: [], headlines: [], attribution: [] },
    ...{ metric: "effect", position: "answer" },
  } as unknown as Findings);
  assert.is(datasets[0]!.candidates, 4);
  assert.equal(
    datasets[0]!.exclusions.map(({ stage, count }) => [stage, count]),
    [["prepare", 2]],
  );
  assert.match(notes.join("\n"), /own: one picture in many files, 1 in all\. .*4 files hold one picture/);
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /^4 files hold one picture, such as .*a\.png, .*b\.png, .*c\.png\.$/);
});

test("of two tables that name one data set, a sample is the first's of its name", async () => {
  const named = (id: string) => ({ ...row(id, "a", "e"), dataset: "mine" });
  const [first, second] = [
    [named("1"), named("2")],
    [named("2"), named("3")],
  ].map((rows) => tableOf(rows));
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: [first!, second!] });
  await runStages(run, ["prepare"], { watch });
  assert.equal(await run.store.rows("SELECT dataset, sample FROM samples ORDER BY ALL"), [
    { dataset: "mine", sample: "1" },
    { dataset: "mine", sample: "2" },
    { dataset: "mine", sample: "3" },
  ]);
  assert.equal(await run.store.rows("SELECT dataset, source, reason FROM exclusions WHERE stage = 'prepare'"), [
    { dataset: "mine", source: "2", reason: "same name twice" },
  ]);
});

test("a folder that is left out is named, with how many pictures it has", async () => {
  const data = temporaryFolder();
  for (const [i, name] of ["angry/1", "sad/1", "contempt/1", "contempt/2"].entries()) {
    mkdirSync(join(data, dirname(name)), { recursive: true });
    writeFileSync(join(data, `${name}.png`), png(i));
  }
  const out = join(temporaryFolder(), "run");
  const { code, stderr } = await noticeHere("prepare", "--out", out, "--dataset", "faces", "--data", data);
  assert.is(code, 0);
  assert.ok(stderr.includes("faces: the folder contempt is left out (2 pictures)."), stderr);
});

test("a table of which all is left out: why, with the first rows; the exclusions stay, the settings do not", async () => {
  const rows = [{ image: "a.png" }, row("1", "a", "x"), row("2", "a", "y"), row("3", "a", "z")];
  const table = tableOf(rows, "bad.jsonl");
  const folder = join(temporaryFolder(), "run");
  {
    using run = await StudyRun.open(folder, { dataset: [table], n: 7 });
    for (const _ of [1, 2])
      await refused(
        () => runStages(run, ["prepare"], { watch }),
        "options",
        'has no sample: all that is in it was left out, 3 for "missing image", 1 for "broken row". bad.jsonl line 1: ',
        "question: Invalid input",
        "bad.jsonl line 2: x.png; bad.jsonl line 3: y.png.",
      );
    assert.is(await run.store.count("SELECT count(*) FROM exclusions WHERE stage = 'prepare'"), 4);
    assert.not(existsSync(join(folder, "settings.json")));
  }
  // What was mistyped is not in the way of the next, even if it leaves it out.
  const { code } = await noticeHere("prepare", "--out", folder, "--dataset", tableOf([row("1", "a", "e")]));
  assert.is(code, 0);
  using run = await StudyRun.reopen(folder);
  assert.is(run.settings.n, 60);
  assert.is(await run.store.count("SELECT count(*) FROM exclusions"), 0);
});

test("no typo of the first command poisons the run folder", async () => {
  const right = tableOf([row("1", "a", "e")]);
  for (const [given, message] of [
    [{ dataset: ["fases"], data: "." }, "did you mean faces?"],
    [{ dataset: [right, "faces"] }, "needs the folder"],
    [{ dataset: [right, `${right}.csv`] }, "no such file"],
    [{ dataset: [right], template: "{{ questoin }}" }, "did you mean question?"],
    [{ dataset: [right], model: "./weights/scenez" }, "./weights/scenez"],
    [{ dataset: [right], sites: ["text.mlp.gate"] }, "text.mlp.gate"],
  ] as const) {
    const folder = join(temporaryFolder(), "run");
    const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const { code, stderr } = await noticeHere("study", "--out", folder, ...args);
    assert.equal([code, stderr.includes(message)], [2, true], stderr);
    (await StudyRun.open(folder, { dataset: [right] }))[Symbol.dispose]();
    using run = await StudyRun.reopen(folder);
    await runStages(run, ["prepare"], { watch });
    assert.equal([run.settings.model, run.settings.template], ["weights/scenes", undefined]);
    assert.is(await run.store.count("SELECT count(*) FROM samples"), 1);
  }
});

test("an interrupted beginning goes on as it was begun, or begins anew with other settings", async () => {
  const folder = join(temporaryFolder(), "run");
  const right = tableOf([row("1", "a", "e")]);
  (await StudyRun.open(folder, { dataset: [right, "faces"], data: "none", seed: 3 }))[Symbol.dispose]();
  {
    using run = await StudyRun.open(folder);
    assert.is(run.settings.seed, 3);
    const stop = AbortSignal.abort(new Error("stopped"));
    await runStages(run, ["prepare"], { watch, signal: stop }).catch(() => {});
  }
  await refused(() => StudyRun.reopen(folder, { seed: 4 }), "options", "seed is 3 there and 4 here");
  using run = await StudyRun.open(folder, { dataset: [right] });
  assert.equal([run.settings.seed, run.settings.data], [0, undefined]);
});

test.run();
