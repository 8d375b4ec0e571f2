import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StudyRun } from "../../src/study/run.js";
import { select } from "../../src/study/select.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const stage = (run: StudyRun) => ({
  run,
  watch: { begin: () => ({ update() {}, end() {} }), warn() {} },
  executor: () => Promise.reject(new Error("an executor")),
});

/** By name: its group, its draw, and whether it was answered rightly. */
const SAMPLES: Record<string, readonly [group: string, draw: number, right: boolean]> = {
  a: ["red", 0.9, true],
  b: ["red", 0.1, true],
  c: ["red", 0.2, false],
  d: ["red", 0.3, true],
  e: ["blue", 0.8, true],
};

test("groups take turns, by their draws, among what was answered rightly; once", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"], n: 3 });
  await refused(() => select(stage(run)), "options", "own.csv is not prepared yet");
  await run.store.insert("finished", [{ stage: "prepare", dataset: "own.csv" }]);
  const own = { dataset: "own" };
  for (const [sample, [sample_group, draw]] of Object.entries(SAMPLES))
    await run.store.insert("samples", [{ ...own, sample, sample_group, draw }]);
  await refused(() => select(stage(run)), "options", "5 questions are not asked yet");
  for (const [sample, [, , is_correct]] of Object.entries(SAMPLES))
    await run.store.insert("answers", [{ ...own, sample, answer: "x", is_correct, provenance: 0 }]);
  const selected = () => run.store.rows("SELECT sample, ordinal FROM selected ORDER BY ordinal");
  await select(stage(run));
  // blue: e; red: b, d, a.
  const right = ["e", "b", "d"].map((sample, ordinal) => ({ sample, ordinal }));
  assert.equal(await selected(), right);
  // A selection stays as it is.
  await run.store.run("DELETE FROM answers");
  await select(stage(run));
  assert.equal(await selected(), right);
});

test("nothing answered rightly is nothing to patch", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"] });
  await run.store.insert("finished", [{ stage: "prepare", dataset: "own.csv" }]);
  await refused(() => select(stage(run)), "options", "answered no question of the run");
});

test.run();
