import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { patchBytes } from "../../src/patching/budget.js";
import { METRICS } from "../../src/patching/metrics.js";
import type { Site } from "../../src/patching/sites.js";
import { sweep, sweepTogether } from "../../src/patching/sweep.js";
import { useBackend } from "../../src/platform/backend.js";
import { siteOf } from "../support/blip-vqa.js";

const SHAPE = { heads: 3, headDim: 8, visionLayers: 1, textLayers: 3, mlp: 40, grid: 2 };
const TOKENS = 6;

test.before(async () => {
  await useBackend();
});

for (const site of [
  "text.cross.z",
  "text.self.z",
  "text.cross.pattern",
  "text.resid_post",
  "text.resid_pre",
  "text.self.v",
] as Site[])
  test(`${site}: pairs swept together score as each by itself`, async () => {
    const random = seeded(8);
    const model = await randomModel(SHAPE, random);
    const pairs = [];
    for (const mode of ["image", "text", "image"] as const) pairs.push(await randomPair(model, mode, TOKENS, random));
    const alike = (await sweep(pairs[0]!, { site })).facts.shape.reduce((product, side) => product * side);
    // Some batches hold all pairs' places of a layer, others only a part of them.
    for (const patches of [4, 7, 1000]) {
      const memory = patches * patchBytes(model, siteOf(site), { tokens: TOKENS });
      const progress: [number, number][] = [];
      const before = tf.memory().numTensors;
      const together = await sweepTogether(pairs, { site, memory, onProgress: (...at) => progress.push(at) });
      assert.is(tf.memory().numTensors, before);
      assert.ok(progress.every(([done], i) => done > (progress[i - 1]?.[0] ?? 0)));
      assert.equal(progress.at(-1), [3 * alike, 3 * alike]);
      for (const [i, pair] of pairs.entries()) {
        const alone = await sweep(pair, { site });
        assert.equal(together[i]!.facts, alone.facts);
        const { clean, corrupted } = pair.readings;
        const size = Math.max(1, Math.abs(clean.logitDiff), Math.abs(corrupted.logitDiff));
        for (const metric of METRICS) {
          const [found, right] = [together[i]!.table(metric), alone.table(metric)].map((table) =>
            (table as number[]).flat(Number.POSITIVE_INFINITY),
          ) as [number[], number[]];
          assert.ok(right.some((value) => Math.abs(value) > 1e-3));
          const scale = metric === "effect" ? size / Math.abs(clean.logitDiff - corrupted.logitDiff) : size;
          for (const [at, value] of found.entries())
            assert.ok(
              Math.abs(value - right[at]!) <= 1e-5 * Math.max(1, scale),
              `${metric} ${at}: ${value} and ${right[at]}`,
            );
        }
      }
    }
    for (const pair of pairs) pair[Symbol.dispose]();
  });

test("pairs of other lengths are swept one after the other", async () => {
  const random = seeded(9);
  const model = await randomModel(SHAPE, random);
  using short = await randomPair(model, "image", TOKENS, random);
  using long = await randomPair(model, "image", TOKENS + 1, random);
  const found = await sweepTogether([short, long], { site: "text.cross.z" });
  assert.equal(
    found.map(({ facts }) => facts.shape),
    [
      [3, 3, TOKENS],
      [3, 3, TOKENS + 1],
    ],
  );
  assert.equal(found[1]!.toJSON(), (await sweep(long, { site: "text.cross.z" })).toJSON());
});

test.run();
