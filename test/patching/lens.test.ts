import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { logitLens } from "../../src/patching/lens.js";
import { loadModel } from "../../src/patching/load-model.js";
import { logitDifference, probability, rank } from "../../src/patching/metrics.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";
import { NARROW, samplePair } from "../support/samples.js";

test("llava: each stream is read as the answer is, after the final norm, at the last token or another", async () => {
  const { model, expected, folder } = await Decoder.load("llava-grouped");
  using _ = model;
  using run = await model.run({ image: `${folder}/clean.png`, question: expected.questions.clean.question });
  const answers = { correct: model.answer("red"), incorrect: model.answer("blue") };
  const { layers } = model.towers.text!;
  const tokens = run.activations.streams.text![0]!.shape[1]!;
  const before = tf.memory().numTensors;
  for (const position of [undefined, 3]) {
    const found = await logitLens(run, answers, { position, metrics: { place: rank(answers.correct) } });
    assert.is(found.length, layers + 1);
    for (const [at, entry] of found.entries()) {
      const [diff, prob, place] = tf.tidy(() => {
        const stream =
          at < layers ? run.at("text.resid_pre", { layer: at }) : run.at("text.resid_post", { layer: layers - 1 });
        const logits = model.unembed(tf.slice(stream, [position ?? tokens - 1, 0], [1, -1])) as tf.Tensor2D;
        return [logitDifference(answers), probability(answers.correct), rank(answers.correct)].map(
          (metric) => metric(logits).dataSync()[0]!,
        );
      }) as unknown as [number, number, number];
      assert.ok(Math.abs(entry.logitDiff - diff) < 1e-5, `stream ${at}`);
      assert.ok(Math.abs(entry.prob - prob) < 1e-6, `stream ${at}`);
      assert.is(entry.place, place);
    }
    if (position === undefined) {
      const said = tf.tidy(() => logitDifference(answers)(run.logits).dataSync()[0]!);
      assert.ok(Math.abs(found.at(-1)!.logitDiff - said) < 1e-5, "the last entry is the answer");
      assert.ok(Math.abs(found[0]!.logitDiff - said) > 1e-3, "the first is not");
    }
  }
  assert.is(tf.memory().numTensors, before);
  await refused(() => logitLens(run, answers, { position: tokens }), "site", `no position ${tokens}`);
});

test("blip-vqa: the decoder's streams, the last of which says what the pair read", async () => {
  using blip = await loadModel(NARROW, { architecture: "blip-vqa" });
  using pair = await samplePair(blip, "image");
  const found = await logitLens(pair.corrupted, pair.answers);
  assert.is(found.length, blip.config.text.num_hidden_layers + 1);
  assert.ok(Math.abs(found.at(-1)!.logitDiff - pair.readings.corrupted.logitDiff) < 1e-5);
});

test.run();
