import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { exportScores } from "../../src/study/export.js";
import { readFindings } from "../../src/study/findings.js";
import { checkPosition } from "../../src/study/position.js";
import { StudyRun } from "../../src/study/run.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE } from "../support/samples.js";

const watch = { begin: () => ({ update() {}, end() {} }), warn() {} };

/** A run on a table of one's own with these questions, prepared; `red` is the answer to each. */
async function prepared(questions: readonly string[], given: GivenSettings = {}): Promise<StudyRun> {
  const table = join(temporaryFolder(), "own.jsonl");
  const rows = questions.map((question, i) => ({ id: `${i}`, image: "clean.png", question, answers: ["red", "blue"] }));
  writeFileSync(table, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const { copyFileSync } = await import("node:fs");
  copyFileSync(CLEAN_IMAGE, join(table, "..", "clean.png"));
  const run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: [table], ...given });
  await runStages(run, ["prepare"], { watch });
  return run;
}

test("questions without the answer are refused before anything is asked, with a position to give", async () => {
  const questions = ["what colour is the star?", "what colour is it?"];
  using run = await prepared(questions);
  let started = false;
  const evaluate = async () => {
    const { evaluate } = await import("../../src/study/evaluate.js");
    await evaluate({
      run,
      watch,
      executor: async () => {
        started = true;
        throw new Error("an executor");
      },
    });
  };
  await refused(
    evaluate,
    "options",
    'the position "answer"',
    "none contains its correct answer",
    "--position",
    '"?" (in 2 of 2)',
  );
  assert.not(started);
  for (const position of ["?", "is", "3"]) {
    using other = await prepared(questions, { position });
    await checkPosition(other, "samples");
  }
  for (const position of ["answer-1", "40", "tractor"]) {
    using other = await prepared(questions, { position });
    await refused(() => checkPosition(other, "samples"), "options", JSON.stringify(position));
  }
});

test("the positions to give are words of the questions, not what stands around them", async () => {
  using run = await prepared(["star?"], { position: "40" });
  const message = await refused(
    () => checkPosition(run, "samples"),
    "options",
    'such as "?" (in 1 of 1), "star" (in 1',
  );
  assert.not(/CLS|SEP/.test(message), message);
});

test("one question with the answer is enough, and so is a site whose tokens are no question's", async () => {
  using some = await prepared(["what colour is it?", "is it red or blue?"]);
  await checkPosition(some, "samples");
  using decoder = await prepared(["what colour is it?"], { sites: ["decoder.cross.z", "text.cross.z"] });
  await checkPosition(decoder, "samples");
});

test("a run of which all pairs were excluded says so, and for which reason most", async () => {
  using run = await prepared(["is it red or blue?"]);
  await refused(() => readFindings(run), "options", "has no scores yet", "notice patch");
  const excluded = { stage: "patch", dataset: "own" };
  const nothing = { reason: "no corrupt image", detail: "There is nothing to corrupt the image with." };
  await run.store.insert("patched", [{ dataset: "own", sample: "0", provenance: 0 }]);
  await run.store.insert("exclusions", [{ ...excluded, source: "0", ...nothing }]);
  await refused(() => readFindings(run), "options", "all 1 pairs of its 1 samples were excluded");
  await run.store.insert("patched", [{ dataset: "own", sample: "1", provenance: 0 }]);
  await run.store.insert("exclusions", [
    { ...excluded, source: "0", reason: "text pair failed", detail: "Clean and corrupt question must have …" },
    { ...excluded, source: "1", reason: "text pair failed", detail: "Clean and corrupt question must have …" },
  ]);
  const parts = ["all 3 pairs of its 2 samples were excluded", '"text pair failed" (2)', "0: Clean and corrupt"];
  await refused(() => readFindings(run), "options", ...parts);
  await refused(() => exportScores(run, join(temporaryFolder(), "x.csv"), "csv"), "options", ...parts);
});

test.run();
