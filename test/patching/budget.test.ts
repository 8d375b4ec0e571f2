import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { useBackend } from "../../src/backend.js";
import { type AttributeOptions, attributeAll } from "../../src/patching/attribute.js";
import { patchBytes, slopeBytes } from "../../src/patching/budget.js";
import { CIRCUIT_SITES } from "../../src/patching/faithful.js";
import type { Mode } from "../../src/patching/pair.js";
import { parseSite, type Site } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
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

for (const [mode, sites, options] of [
  ["image", CIRCUIT_SITES, {}],
  ["image", ["vision.mlp.pre", "vision.resid_post", "vision.self.pattern"], {}],
  ["text", ["text.cross.k", "text.mlp.post"], { qkFix: true }],
  ["image", ["decoder.cross.z"], {}],
] as [Mode, readonly Site[], AttributeOptions][])
  test(`${mode}, ${sites.join(", ")}: an attribution stays inside its budget, and uses it`, async () => {
    const random = seeded(5);
    const model = await randomModel(SHAPE, random);
    using pair = await randomPair(model, mode, 8, random);
    const { each, fixed } = slopeBytes(pair, sites.map(parseSite));
    const peak = async (slopes: number) => {
      const before = tf.memory().numBytes;
      const { peakBytes } = await tf.profile(async () => {
        await attributeAll(pair, sites, { ...options, steps: 3, memory: fixed + slopes * each });
        return tf.scalar(0);
      });
      return peakBytes - before;
    };
    const [one, all] = [await peak(1), await peak(3)];
    assert.ok(all <= fixed + 3 * each, `${all} bytes, ${fixed + 3 * each} were allowed`);
    const perSlope = (all - one) / 2;
    assert.ok(perSlope <= each, `a pass takes ${perSlope}, ${each} were counted`);
    assert.ok(perSlope >= each / 8, `a pass takes ${perSlope}, ${each} were counted`);
  });

test("an attribution that does not fit is refused before anything is run, with the numbers", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random);
  using pair = await randomPair(model, "image", 8, random);
  await refused(
    () => attributeAll(pair, ["text.cross.z", "vision.self.z"], { memory: 1000 }),
    "memory",
    "text.cross.z, vision.self.z",
    "0.00100 MB",
    "fewer sites",
  );
});

test("a budget below one patch is refused before anything is run, with the numbers", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random);
  using pair = await randomPair(model, "image", 8, random);
  for (const screen of [undefined, 1])
    await refused(
      () => sweep(pair, { site: "text.cross.z", memory: 1000, screen }),
      "memory",
      "One patch of text.cross.z",
      "8 tokens",
      "0.00100 MB",
    );
});

test.run();
