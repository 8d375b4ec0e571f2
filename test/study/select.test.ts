import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePng } from "../../src/pictures/picture.js";
import { summarise } from "../../src/study/findings.js";
import { groupCounts } from "../../src/study/queries/samples.js";
import { StudyRun } from "../../src/study/run.js";
import { select } from "../../src/study/select.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { folderOf } from "../support/prepare.js";
import { refused } from "../support/refused.js";

/** A picture, and a file that is none. */
const folder = folderOf({ "bad.png": "no picture" });
const PICTURE = join(folder, "good.png");
const BAD = join(folder, "bad.png");
writeFileSync(PICTURE, encodePng({ width: 2, height: 2, data: new Uint8Array(12) }));

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
    await run.store.insert("samples", [{ ...own, sample, sample_group, draw, image: PICTURE, corrupt_image: PICTURE }]);
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

/**
 * A run whose samples a to h are answered rightly, in this order; some have a picture that is none, or no second one.
 */
async function answered(n: number, given: GivenSettings = {}): Promise<StudyRun> {
  const run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"], n, ...given });
  await run.store.insert("finished", [{ stage: "prepare", dataset: "own.csv" }]);
  for (const [i, sample] of [..."abcdefgh"].entries()) {
    const own = { dataset: "own", sample };
    const pictures = { image: sample === "b" ? BAD : PICTURE, corrupt_image: "cdf".includes(sample) ? BAD : PICTURE };
    const asked = { ...own, sample_group: i % 2 ? "odd" : "even", draw: i / 10, ...pictures };
    await run.store.insert("samples", [sample === "g" ? { ...asked, corrupt_image: null } : asked]);
    await run.store.insert("answers", [{ ...own, answer: "x", is_correct: true, provenance: 0 }]);
  }
  return run;
}

const excluded = (run: StudyRun) => run.store.rows("SELECT stage, source, reason FROM exclusions ORDER BY source");

test("both pictures are opened first; the next of the group takes the place of what fails", async () => {
  using run = await answered(3, { modalities: ["image"] });
  await select(stage(run));
  // even: a, c (bad), e, g (no pair); odd: b, d, f (bad), h.
  assert.equal(await run.store.rows("SELECT sample FROM selected ORDER BY ordinal"), [
    { sample: "a" },
    { sample: "h" },
    { sample: "e" },
  ]);
  const bad = ["b", "c", "d", "f"].map((source) => ({ stage: "select", source, reason: "unreadable image" }));
  assert.equal(await excluded(run), bad);
  using more = await answered(8, { modalities: ["image"] });
  await select(stage(more));
  assert.is(await more.store.count("SELECT count(*) FROM selected"), 3);
  assert.equal((await excluded(more)).at(-1), { stage: "select", source: "g", reason: "no corrupt image" });
});

test("a picture that no pair needs need not be there", async () => {
  using run = await answered(8, { modalities: ["gaussian"] });
  await select(stage(run));
  assert.equal(await excluded(run), [{ stage: "select", source: "b", reason: "unreadable image" }]);
});

test("where no picture can be opened, that is said", async () => {
  using run = await answered(3);
  await run.store.run("UPDATE samples SET image = $1", [BAD]);
  await refused(
    () => select(stage(run)),
    "options",
    "None of the 8 samples answered rightly can be patched",
    "bad.png",
  );
});

test("samples of which no pair was patched are done, and not counted", async () => {
  using run = await answered(2, { modalities: ["gaussian"] });
  await select(stage(run));
  for (const sample of ["a", "d"]) await run.store.insert("patched", [{ dataset: "own", sample, provenance: 0 }]);
  await run.store.insert("passes", [{ dataset: "own", sample: "a", modality: "gaussian", tokens: [] }]);
  assert.equal(
    (await summarise(run)).map(({ selected, patched }) => [selected, patched]),
    [[2, 1]],
  );
  assert.equal(
    (await groupCounts(run.store)).map(({ name, selected, patched }) => [name, selected, patched]),
    [
      ["even", 1, 1],
      ["odd", 1, 0],
    ],
  );
});

test("nothing answered rightly is nothing to patch", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"] });
  await run.store.insert("finished", [{ stage: "prepare", dataset: "own.csv" }]);
  await refused(() => select(stage(run)), "options", "answered no question of the run");
});

test.run();
