import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { towerSize } from "../../src/model/architecture.js";
import { resume } from "../../src/model/pass.js";
import { atOnce } from "../../src/model/steps.js";
import { siteGradients } from "../../src/patching/backward.js";
import type { LogitMetric } from "../../src/patching/metrics.js";
import type { Pair } from "../../src/patching/pair.js";
import { siteShape } from "../../src/patching/run.js";
import { SITES, type SiteParts } from "../../src/patching/sites.js";
import { useBackend } from "../../src/platform/backend.js";
import { siteOf } from "../support/blip-vqa.js";

const SHAPE = { heads: 3, headDim: 5, visionLayers: 2, textLayers: 2, mlp: 11, grid: 2 };
const STEP = 0.02;

/** Of the answers that `randomPair` gives. */
const logitDiff: LogitMetric = (logits) => tf.sub(tf.slice(logits, [0, 4], [-1, 1]), tf.slice(logits, [0, 5], [-1, 1]));
const logProb: LogitMetric = (logits) => tf.slice(tf.logSoftmax(logits), [0, 4], [-1, 1]);

test.before(async () => {
  await useBackend();
});

/** The objective's slope along a direction at a site, from two passes. */
function slope(pair: Pair, objective: LogitMetric, { tower, within }: SiteParts, layer: number, direction: tf.Tensor) {
  const at = (step: number) => {
    const values = (computed: tf.Tensor) => tf.add(computed, tf.mul(direction, step));
    const patches = { [tower]: new Map([[layer, { [within]: { values } }]]) };
    return tf.tidy(
      () => tf.sum(objective(atOnce(resume(pair.model, pair.corrupted.activations, patches)))).dataSync()[0]!,
    );
  };
  return (at(STEP) - at(-STEP)) / (2 * STEP);
}

for (const [name, objective, chosen, most] of [
  ["logit difference", logitDiff, SITES, 60],
  ["log probability", logProb, ["vision.self.z", "text.cross.z", "decoder.mlp.post"], 4],
] as const)
  test(`${name}: gradients equal finite differences, at sites and layers of the three towers`, async () => {
    const random = seeded(5);
    const model = await randomModel(SHAPE, random);
    using pair = await randomPair(model, "image", 5, random);
    const run = pair.corrupted.activations;
    const sites = chosen.map(siteOf);
    const before = tf.memory().numTensors;
    const gradients = tf.tidy(() =>
      atOnce(
        siteGradients(
          model,
          run,
          objective,
          sites.map((site) => ({ site })),
        ),
      ),
    );
    let steep = 0;
    for (const [i, parts] of sites.entries())
      for (let layer = 0; layer < towerSize(model, parts.tower).layers; layer++) {
        const gradient = gradients[i]![layer]!;
        assert.equal(gradient.shape, siteShape(model, run, parts), parts.site);
        const direction = tf.tidy(() => {
          const sideways = tf.tensor(Float32Array.from({ length: gradient.size }, () => random() - 0.5));
          const unit = (x: tf.Tensor) => tf.div(x, tf.add(tf.norm(x), 1e-9));
          return tf.add(unit(gradient), tf.reshape(unit(sideways), gradient.shape));
        });
        const found = tf.tidy(() => tf.sum(tf.mul(gradient, direction)).dataSync()[0]!);
        const expected = slope(pair, objective, parts, layer, direction);
        const off = Math.abs(found - expected);
        assert.ok(off <= 2e-2 * Math.abs(expected) + 2e-4, `${parts.site} ${layer}: ${found} and ${expected}`);
        if (Math.abs(expected) > 2e-3) steep++;
        direction.dispose();
      }
    assert.ok(steep > most, `only ${steep} slopes tell anything`);
    tf.dispose(gradients);
    assert.is(tf.memory().numTensors, before);
  });

test.run();
