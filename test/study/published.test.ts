import { test } from "uvu";
import * as assert from "uvu/assert";
import { readPublished } from "../../src/study/published.js";
import { madeRun } from "../support/made-run.js";

test("a decoder-only model: eight tokens after the answer, where these questions have ended", async () => {
  using run = await madeRun({ architecture: "idefics3", site: "text.self.z" });
  const own = Object.create(run, {
    settings: { value: { ...run.settings, sites: ["text.self.z"], position: "answer" } },
  });
  for (const sample of ["0", "1"]) await run.store.insert("samples", [{ dataset: "own", sample, correct: "red" }]);
  const [found] = await readPublished(own);
  assert.equal([found!.samples, found!.leftOut, found!.published], [0, 2, []]);
  assert.is(found!.changed, found!.corrected.length);
  assert.ok(found!.corrected.length > 0);
});

test.run();
