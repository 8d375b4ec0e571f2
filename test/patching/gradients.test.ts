import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { edit } from "../../src/patching/edits.js";
import { gradients } from "../../src/patching/gradients.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { type LogitMetric, logitDifference, probability, rank } from "../../src/patching/metrics.js";
import type { Model } from "../../src/patching/model.js";
import type { Site } from "../../src/patching/sites.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, NARROW } from "../support/samples.js";

const STEP = 0.01;

const cases = {
  "blip-vqa": async () => ({
    model: (await loadBlip(NARROW)) as unknown as Model,
    image: CLEAN_IMAGE,
    question: CLEAN_QUESTION,
    words: ["red", "striped"],
    sites: ["vision.self.z", "text.cross.pattern", "text.resid_post", "decoder.mlp.post"],
  }),
  llava: async () => {
    const decoder = await Decoder.load("llava-grouped");
    return {
      model: decoder.model,
      image: decoder.picture("clean"),
      question: decoder.expected.questions.clean.question,
      words: ["red", "blue"],
      sites: ["vision.self.z", "text.self.k", "text.self.pattern", "text.resid_post"],
    };
  },
};

for (const [name, load] of Object.entries(cases))
  test(`${name}: gradients equal finite differences by edits, also through an edit`, async () => {
    const { model, words, sites, ...asked } = await load();
    using _ = model;
    const [correct, incorrect] = words.map((word) => model.answer(word)) as [never, never];
    const metrics: LogitMetric[] = [
      logitDifference({ correct, incorrect }),
      (logits) => tf.log(probability(correct)(logits)),
    ];
    const scaled = edit(sites[2] as "text.resid_post", { layer: 0 }, (value) => tf.mul(value, 1.5));
    const before = tf.memory().numTensors;
    let steep = 0;
    for (const metric of metrics)
      for (const site of sites as "text.resid_post"[])
        for (const edits of [[], [scaled]]) {
          using run = await model.run({ ...asked, edits });
          const slopes = gradients(run, metric, site as Site);
          const layer = slopes.shape[0]! - 1;
          for (const at of new Set([0, layer])) {
            const slope = tf.tidy(() => tf.squeeze(tf.slice(slopes, at, 1), [0]));
            const length = tf.tidy(() => tf.norm(slope).dataSync()[0]!);
            const along = async (step: number) => {
              const push = edit(site, { layer: at }, (value) => tf.add(value, tf.mul(slope, step / (length + 1e-9))));
              using moved = await model.run({ ...asked, edits: [...edits, push] });
              return tf.tidy(() => metric(moved.logits).dataSync()[0]!);
            };
            const expected = ((await along(STEP)) - (await along(-STEP))) / (2 * STEP);
            const off = Math.abs(expected - length);
            assert.ok(off <= 3e-2 * Math.abs(expected) + 2e-3, `${site} ${at} ${edits.length}: ${length}, ${expected}`);
            if (expected > 1e-2) steep++;
            slope.dispose();
          }
          slopes.dispose();
        }
    assert.ok(steep > 16, `only ${steep} slopes tell anything`);
    assert.is(tf.memory().numTensors, before);
  });

test("a linear readout's gradient is its weights", async () => {
  const { model, expected, ...decoder } = await Decoder.load("smolvlm");
  using _ = model;
  assert.ok(decoder);
  const { question } = expected.questions.clean;
  using run = await model.run({ image: `${"test/fixtures"}/smolvlm/clean.png`, question });
  const [one, two] = [model.answer("red"), model.answer("blue")];
  // Towards the logits' own sum the gradient of a row is W summed by the two columns, through the last RMSNorm.
  const difference = gradients(run, logitDifference({ correct: one, incorrect: two }), "text.resid_post");
  const opposite = gradients(run, logitDifference({ correct: two, incorrect: one }), "text.resid_post");
  const sum = tf.tidy(() => tf.max(tf.abs(tf.add(difference, opposite))).dataSync()[0]!);
  assert.ok(sum <= 1e-6, `${sum}`);
  // Only the last token is read: in the last layer no other has a gradient.
  const others = tf.tidy(() => {
    const last = tf.squeeze(tf.slice(difference, difference.shape[0]! - 1, 1), [0]);
    return tf.max(tf.abs(tf.slice(last, [0, 0], [last.shape[0]! - 1, -1]))).dataSync()[0]!;
  });
  assert.is(others, 0);
  tf.dispose([difference, opposite]);
});

test("what has no gradient", async () => {
  using blip = await loadBlip(NARROW);
  using run = await blip.run({ image: CLEAN_IMAGE, question: CLEAN_QUESTION });
  const before = tf.memory().numTensors;
  const red = blip.answer("red");
  await refused(() => gradients(run, rank(red), "text.cross.z"), "options", "cannot be differentiated");
  await refused(() => gradients(run, "prob" as never, "text.cross.z"), "options", "function of the logits");
  await refused(() => gradients(run, (logits) => tf.sum(logits), "text.cross.z"), "options", "one number a row");
  await refused(() => gradients(run, probability(red), "text.cros.z" as Site<"blip-vqa">), "site", "text.cross.z");
  await refused(() => gradients({} as never, probability(red), "text.cross.z"), "options", "takes a run");
  assert.is(tf.memory().numTensors, before);
});

test.run();
