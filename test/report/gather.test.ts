import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gatherReport } from "../../src/report/gather.js";
import { type Findings, readFindings } from "../../src/study/findings.js";
import { StudyRun } from "../../src/study/run.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { EXCLUSIONS, faultyTable, refuse } from "../support/exclusions.js";

/** Scores, without which there is nothing to report. */
async function patched(run: StudyRun, sample: string): Promise<void> {
  const key = { dataset: "attributes", sample, modality: "image" };
  const probs = { clean_prob: 0.9, corrupted_prob: 0.25, clean_logit_diff: 3, corrupted_logit_diff: -1 };
  await run.store.insert("passes", [{ ...key, tokens: ["[CLS]", "red"], answer_token: 1, ...probs }]);
  const place = { ...key, site: "text.cross.z", layer: 0, head: 0, position: 1 };
  await run.store.insert("scores", [{ ...place, prob: 0.5, prob_diff: 0.25, logit_diff: 1, effect: 0.5 }]);
}

test("what was left out is counted by its stage and its reason, with an example", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: [faultyTable()] });
  await runStages(run, ["prepare"], { watch: { begin: () => ({ update() {}, end() {} }), warn() {} } });
  await refuse(run);
  await patched(run, "first");
  const { datasets } = await gatherReport(run, await readFindings(run));
  assert.is(datasets.length, 1);
  const [{ name, candidates, exclusions, groups }] = datasets as [(typeof datasets)[0]];
  // Six lines, two of which are samples.
  assert.equal([name, candidates], ["attributes", 6]);
  assert.equal(
    exclusions.map(({ stage, reason, count, example }) => ({ stage, reason, count, example })),
    EXCLUSIONS,
  );
  assert.equal(
    groups.map(({ name, asked, selected, patched }) => [name, asked, selected, patched]),
    [["all", 0, 0, 0]],
  );
});

const NOTHING: Findings = {
  metric: "effect",
  position: "answer",
  circuits: [],
  universal: [],
  verified: [],
  attribution: [],
  rules: [],
  headlines: [],
  alone: [],
};

test("how a data set came down to its samples, by hand", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"], screen: 4 });
  const own = { dataset: "own" };
  // Of five samples four were asked, three answered rightly and selected, one patched.
  const samples = ["a", "b", "c", "d", "e"].map((sample) => ({ ...own, sample, sample_group: "red", question: "?" }));
  await run.store.insert("samples", samples);
  const answers = ["a", "b", "c", "d"].map((sample) => ({ ...own, sample, answer: "x", is_correct: sample !== "d" }));
  await run.store.insert("answers", answers);
  await run.store.insert(
    "selected",
    ["a", "b", "c"].map((sample, ordinal) => ({ ...own, sample, ordinal })),
  );
  // Of "b" all pairs failed: it is done, and not patched.
  await run.store.insert(
    "patched",
    ["a", "b"].map((sample) => ({ ...own, sample, provenance: 0 })),
  );
  await run.store.insert("passes", [{ ...own, sample: "a", modality: "image" }]);
  const left = { ...own, stage: "prepare" };
  await run.store.insert("exclusions", [
    { ...left, source: "row 2", reason: "missing image", detail: "it is not there" },
    { ...left, source: "row 1", reason: "missing image", detail: "it is not there" },
    { ...left, source: "row 3", reason: "no answer", detail: "it is empty" },
    { ...own, stage: "evaluate", source: "d", reason: "wrong answer", detail: "x" },
  ]);
  const provenance = { package: "1.2.3", model: "small", model_hash: "abc", settings_hash: "def" };
  await run.store.insert("provenance", [{ id: 0, ...provenance, backend: "wasm", note: "Made by hand." }]);
  const data = await gatherReport(run, NOTHING);
  assert.equal(data.datasets, [
    {
      name: "own",
      candidates: 8,
      groups: [{ dataset: "own", name: "red", samples: 5, asked: 4, correct: 3, selected: 3, patched: 1 }],
      exclusions: [
        { dataset: "own", stage: "evaluate", reason: "wrong answer", count: 1, example: "d: x" },
        { dataset: "own", stage: "prepare", reason: "missing image", count: 2, example: "row 1: it is not there" },
        { dataset: "own", stage: "prepare", reason: "no answer", count: 1, example: "row 3: it is empty" },
      ],
    },
  ]);
  const { version, modelHash, backend, seed } = data.run;
  assert.equal([version, modelHash, backend, seed], ["1.2.3", "abc", "wasm", 0]);
  assert.equal(data.run.settings.sites, "text.cross.z, text.self.z, text.resid_post");
  assert.equal(data.notes.slice(0, 3), [
    "Not whole: 1 of the selected samples are not patched yet.",
    "Made by hand.",
    "Circuits are read at the position answer by the metric effect.",
  ]);
  assert.match(data.notes[3]!, /^Screened: of each site only the 4 heads/);
  assert.is(data.notes.length, 4);
});

test.run();
