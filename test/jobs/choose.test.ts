import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { chooseJob } from "../../src/jobs/choose.js";
import { loadModel } from "../../src/patching/load-model.js";
import { NARROW, CLEAN_QUESTION as question } from "../support/samples.js";

test("of two answers the one that the model puts first, by however little", async () => {
  using model = await loadModel(NARROW, { warn: () => undefined });
  const image = join(NARROW, "clean.png");
  const { top } = await model.ask({ image, question }, { top: 20 });
  const words = top.map(({ token }) => token).filter((token) => /^[a-z]+$/.test(token));
  assert.ok(words.length > 3, `${words}`);
  for (const [i, word] of words.slice(1).entries()) {
    const likelier = words[i]!;
    for (const answers of [
      [likelier, word],
      [word, likelier],
    ] as [string, string][]) {
      const { answer } = await chooseJob.perform(model, { asked: { image, question }, answers });
      assert.is(answer, likelier, `of ${answers}`);
    }
  }
});

test.run();
