import { test } from "uvu";
import { answersJob } from "../../src/jobs/ask.js";
import { loadModel } from "../../src/patching/load-model.js";
import { refused } from "../support/refused.js";
import { CLEAN_QUESTION, NARROW } from "../support/samples.js";

test("answers to no picture are refused as an input", async () => {
  using model = await loadModel(NARROW);
  const sent = { images: [], questions: [CLEAN_QUESTION] };
  await refused(() => answersJob.performSent(model, sent), "options", "no input of the job answers", "images");
});

test.run();
