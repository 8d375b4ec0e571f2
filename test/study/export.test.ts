import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { partialOf, partOf, removeLeftovers } from "../../src/files/leftovers.js";
import { exportScores } from "../../src/study/export.js";
import { mergeRuns } from "../../src/study/merge.js";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

/** A process number that nothing has any more. */
const GONE = spawnSync(process.execPath, ["--version"]).pid;

/** A run with one score of a sample, all of whose words are given. */
async function runOf(words: { correct: string; incorrect: string; token: string; group: string }): Promise<StudyRun> {
  const run = await StudyRun.open(join(temporaryFolder(), "run"));
  const key = { dataset: "own", sample: "one" };
  const { correct, incorrect, token, group } = words;
  const hashes = { model_hash: "0", settings_hash: "0" };
  await run.store.insert("provenance", [{ id: 0, package: "0", model: "=model", backend: "wasm", ...hashes }]);
  await run.store.insert("samples", [{ ...key, sample_group: group, correct, incorrect }]);
  await run.store.insert("passes", [{ ...key, modality: "image", tokens: [token], clean_logit_diff: -1.5 }]);
  await run.store.insert("patched", [{ ...key, provenance: 0 }]);
  const at = { modality: "image", site: "text.cross.z", layer: 0, head: 0, position: 0 };
  await run.store.insert("scores", [{ ...key, ...at, effect: -0.25, logit_diff: -3 }]);
  return run;
}

const FORMULAS = { correct: '=HYPERLINK("http://a")', incorrect: "@SUM(1)", token: "\t=1", group: "-1+1" };

test("no cell of a CSV file is a formula; numbers stay numbers, and other formats the words as they are", async () => {
  using run = await runOf(FORMULAS);
  const file = join(temporaryFolder(), "scores.csv");
  await exportScores(run, file, "csv");
  const [row] = parse(readFileSync(file, "utf8"), { columns: true }) as Record<string, string>[];
  for (const [column, word] of Object.entries(FORMULAS)) assert.is(row![column], `'${word}`);
  assert.is(row!.model, "'=model");
  assert.equal([row!.effect, row!.logitDiff, row!.clean_logit_diff], ["-0.25", "-3.0", "-1.5"]);
  await exportScores(run, `${file}.json`, "json");
  const [object] = JSON.parse(readFileSync(`${file}.json`, "utf8"));
  for (const [column, word] of Object.entries(FORMULAS)) assert.is(object[column], word);
});

test("words that are numbers, or no formulas, are written as they are", async () => {
  const words = { correct: "-1", incorrect: "+2.5", token: "a=b", group: "'-" };
  using run = await runOf(words);
  const file = join(temporaryFolder(), "scores.csv");
  await exportScores(run, file, "csv");
  const [row] = parse(readFileSync(file, "utf8"), { columns: true }) as Record<string, string>[];
  for (const [column, word] of Object.entries(words)) assert.is(row![column], word);
});

test("a file that cannot be written is named, with the reason", async () => {
  using run = await runOf(FORMULAS);
  const folder = temporaryFolder();
  mkdirSync(join(folder, "scores.csv/inside"), { recursive: true });
  const file = join(folder, "scores.csv");
  await refused(() => exportScores(run, file, "csv"), "options", `${file} cannot be written: `, "it is a folder");
  assert.equal(readdirSync(folder), ["scores.csv"]);
});

/** What a process of this machine writes beside the places of a folder and of a file. */
const besides = (name: string, pid: number) =>
  [partialOf(name), partOf(name)].map((path) => path.replace(`${process.pid}`, `${pid}`)) as [string, string];

test("what killed processes left beside their places goes at the next start, and nothing else", async () => {
  const folder = temporaryFolder();
  const left = [besides("merged", GONE), besides("scores.csv", GONE)].flat();
  // A process that runs, one of another machine, and what is none of ours.
  const elsewhere = [`merged.partial-elsewhere-${GONE}`, `scores.csv.elsewhere.${GONE}.part`];
  const kept = [
    ...besides("merged", process.ppid),
    ...elsewhere,
    `scores.csv.${GONE}.part`,
    "merged.partial-x",
    "a.part",
  ];
  for (const name of [...left, ...kept]) writeFileSync(join(folder, name), "");
  await removeLeftovers(folder, "other");
  assert.equal(readdirSync(folder).sort(), [...left, ...kept].sort());
  await removeLeftovers(folder);
  assert.equal(readdirSync(folder).sort(), [...kept].sort());
});

test("a merge, an export and a run begin by that", async () => {
  const folder = temporaryFolder();
  const [one, other] = [join(folder, "one"), join(folder, "other")];
  for (const path of [one, other]) (await StudyRun.open(path))[Symbol.dispose]();
  const partial = join(folder, besides("merged", GONE)[0]!);
  mkdirSync(join(partial, "scenes"), { recursive: true });
  await mergeRuns(join(folder, "merged"), [one, other]).catch(() => {});
  assert.not(existsSync(partial));
  writeFileSync(join(one, besides("circuits.json", GONE)[1]!), "");
  (await StudyRun.open(one))[Symbol.dispose]();
  assert.equal(readdirSync(one).sort(), ["settings.json", "study.duckdb"]);
});

test.run();
