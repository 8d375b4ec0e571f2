import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeScenes } from "../../src/data/scenes/write.js";
import { ARCHITECTURES } from "../../src/model/architectures.js";
import { gatherReport } from "../../src/report/gather.js";
import { readFindings } from "../../src/study/findings.js";
import { StudyRun } from "../../src/study/run.js";
import { completeSettings, type GivenSettings, settingsHash, settle } from "../../src/study/settings.js";
import type { StageName } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const watch = { begin: () => ({ update() {}, end() {} }), warn() {} };
const STAGES: readonly StageName[] = ["prepare", "evaluate", "select", "patch"];

/** A run through patching; the caller disposes of it. */
async function studied(given: GivenSettings, stages = STAGES): Promise<StudyRun> {
  const run = await StudyRun.open(join(temporaryFolder(), "run"), { attribution: false, verify: 0, ...given });
  await runStages(run, stages, { watch, workers: 1, backend: "wasm" });
  return run;
}

interface Pass {
  readonly dataset: string;
  readonly modality: string;
  readonly word: string;
  readonly answer_place: string | null;
  readonly clean_logit_diff: number;
  readonly corrupted_logit_diff: number;
}

const passesOf = ({ store }: StudyRun) =>
  store.rows<Pass>(
    `SELECT dataset, modality, tokens[answer_token + 1] AS word, answer_place, clean_logit_diff, corrupted_logit_diff
     FROM passes JOIN samples USING (dataset, sample)`,
  );

test("scenes in their publishers' layouts are matched as sentences, and circuits are read at the replaced word", async () => {
  const data = join(temporaryFolder(), "scenes");
  await writeScenes(data, { count: 6, seed: 1003 });
  const dataset = ["svo-probes", "mit-states", "faces"];
  using run = await studied({ model: "weights/scenes-itm", dataset, data, n: 2, sites: ["text.cross.z"] });
  const passes = await passesOf(run);
  for (const name of dataset) {
    const own = passes.filter((pass) => pass.dataset === name);
    assert.ok(
      own.some(({ modality }) => modality === "image"),
      name,
    );
    assert.ok(
      own.some(({ modality }) => modality === "text"),
      name,
    );
  }
  for (const { word, answer_place, clean_logit_diff } of passes) {
    assert.is(word, answer_place);
    assert.ok(clean_logit_diff > 0); // selected: answered rightly
  }
  // The other picture, or the other word, turns the answer round in most pairs.
  const turned = passes.filter(({ corrupted_logit_diff }) => corrupted_logit_diff < 0).length;
  assert.ok(turned / passes.length > 0.7, `${turned} of ${passes.length}`);
  const answers = await run.store.rows<{ answer: string }>("SELECT DISTINCT answer FROM answers ORDER BY answer");
  assert.equal(answers, [{ answer: "match" }, { answer: "no match" }]);
  assert.is((await readFindings(run)).circuits.length, 6);
});

test("captions of scenes: the likelier of two words, read at the last token; nothing corrupts the text", async () => {
  const sites = ["decoder.cross.z"] as const;
  using run = await studied({ model: "weights/scenes-caption", as: "caption", n: 1, candidates: 6, sites: [...sites] });
  const { store } = run;
  const passes = await passesOf(run);
  assert.equal(new Set(passes.map(({ modality }) => modality)), new Set(["image"]));
  for (const { clean_logit_diff, corrupted_logit_diff } of passes)
    assert.ok(clean_logit_diff > 0 && corrupted_logit_diff < clean_logit_diff);
  assert.is(await store.count("SELECT count(*) FROM passes WHERE answer_token <> len(tokens) - 1"), 0);
  const [asked, right] = [
    await store.count("SELECT count(*) FROM answers"),
    await store.count("SELECT count(*) FROM answers WHERE is_correct"),
  ];
  assert.is(asked, 18);
  assert.ok(right >= 16, `${right} of ${asked}`); // 98.5% and more on 2,000 (the model card)
  assert.is(
    await store.count(
      "SELECT count(*) FROM answers JOIN samples USING (dataset, sample) WHERE answer NOT IN (correct, incorrect)",
    ),
    0,
  );
});

test("a form that the model cannot take is refused before anything is read, with those that can", async () => {
  for (const [model, as, ...message] of [
    ["weights/scenes-caption", "match", "is a blip-caption", "cannot match a picture and a sentence", "blip-itm can"],
    ["weights/scenes", "caption", "is a blip-vqa", "cannot go on with a caption", "blip-caption can"],
    ["weights/scenes-itm", "question", "is a blip-itm", "cannot answer a question", "blip-vqa, ", "--as question out"],
  ] as const) {
    using run = await StudyRun.open(join(temporaryFolder(), "run"), { model, as });
    await refused(() => runStages(run, ["prepare"], { watch }), "options", model, ...message);
    assert.not(existsSync(join(run.folder, "settings.json")));
  }
});

test("without the setting a run keeps the name of its settings, and questions", async () => {
  // What they were called before there was this setting.
  assert.is(settingsHash(settle(completeSettings({}), ARCHITECTURES["blip-vqa"])), "5365c298272aa2fb");
  assert.is.not(settingsHash(completeSettings({ as: "match" })), settingsHash(completeSettings({ as: "caption" })));
  using run = await studied({ n: 1 }, ["prepare"]);
  assert.is(await run.store.count("SELECT count(*) FROM samples WHERE question NOT LIKE 'is %?'"), 0);
  assert.is(await run.store.count("SELECT count(*) FROM samples WHERE answer_place IS NOT NULL"), 0);
});

test("a run of the former version, whose samples have no answer_place, goes on as questions", async () => {
  const folder = join(temporaryFolder(), "run");
  {
    using run = await StudyRun.open(folder, { n: 1, attribution: false, verify: 0, sites: ["text.cross.z"] });
    await runStages(run, ["prepare"], { watch });
    await run.store.run("ALTER TABLE samples DROP COLUMN answer_place");
  }
  using run = await StudyRun.reopen(folder);
  await runStages(run, ["evaluate", "select", "patch"], { watch, workers: 1, backend: "wasm" });
  const passes = await passesOf(run);
  assert.ok(passes.length > 0);
  for (const { answer_place, word } of passes) {
    assert.is(answer_place, null);
    assert.not([null, "[CLS]", "[SEP]"].includes(word));
  }
  const report = await gatherReport(run, await readFindings(run));
  assert.is(report.run.settings.as, "question");
});

test.run();
