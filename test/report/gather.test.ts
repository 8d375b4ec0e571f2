import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gatherReport } from "../../src/report/gather.js";
import { readFindings } from "../../src/study/findings.js";
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

test.run();
