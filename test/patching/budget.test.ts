import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useBackend } from "../../src/backend.js";
import { patchBytes } from "../../src/patching/budget.js";
import { parseSite, type Site } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { randomModel, randomPair, seeded } from "../support/random-model.js";
import { refused } from "../support/refused.js";

const SHAPE = { heads: 4, headDim: 8, visionLayers: 2, textLayers: 3, mlp: 64, grid: 6 };

test.before(async () => {
  await useBackend();
});

for (const site of ["text.cross.z", "text.self.z", "text.resid_post", "vision.self.z", "decoder.cross.z"] as Site[])
  test(`${site}: a sweep stays inside its budget, and uses it`, async () => {
    const random = seeded(5);
    const model = await randomModel(SHAPE, random);
    using pair = await randomPair(model, "image", 8, random);
    const bytes = patchBytes(model, parseSite(site), 8);
    const peak = async (patches: number) => {
      const before = tf.memory().numBytes;
      const { peakBytes } = await tf.profile(async () => {
        await sweep(pair, { site, layers: [1], memory: patches * bytes });
        return tf.scalar(0);
      });
      return peakBytes - before;
    };
    const [few, many] = [await peak(1), await peak(4)];
    // What a sweep holds whatever its budget (the sums of both passes' layers) cancels in the difference.
    const perPatch = (many - few) / 3;
    assert.ok(perPatch <= bytes, `a patch takes ${perPatch}, ${bytes} were counted`);
    assert.ok(perPatch >= bytes / 8, `a patch takes ${perPatch}, ${bytes} were counted`);
  });

test("a budget below one patch is refused before anything is run, with the numbers", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random);
  using pair = await randomPair(model, "image", 8, random);
  await refused(
    () => sweep(pair, { site: "text.cross.z", memory: 1000 }),
    "memory",
    "text.cross.z",
    "8 tokens",
    "0.00100 MB",
  );
});

test.run();
