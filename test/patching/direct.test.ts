import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BertBlockWeights } from "../../src/model/blocks/bert.js";
import type { LlamaWeights } from "../../src/model/blocks/llama.js";
import type { LayerNorm, Linear } from "../../src/model/kernels/linear.js";
import { directAttribution } from "../../src/patching/direct.js";
import { edit } from "../../src/patching/edits.js";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import type { Pair } from "../../src/patching/pair.js";
import { Decoder } from "../support/decoders.js";
import { FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, NARROW, samplePair } from "../support/samples.js";

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function close(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) < 1e-4 * (1 + Math.abs(expected)), `${what}: ${found}, not ${expected}`);
}

for (const name of ["llava-grouped", "idefics3"])
  test(`${name}: what heads, MLPs and the embedding write adds up, and is what the weights say`, async () => {
    const { model, expected, ...decoder } = await Decoder.load(name);
    using _ = model;
    using run = await model.run({
      image: `${decoder.folder}/clean.png`,
      question: expected.questions.clean.question,
    });
    const answers = { correct: model.answer("red"), incorrect: model.answer("blue") };
    const before = tf.memory().numTensors;
    const { logitDiff, embedding, heads, mlp, biases } = await directAttribution(run, answers);
    assert.is(tf.memory().numTensors, before);
    close(biases, 0, "nothing has a bias");
    const { finalNorm, head: vocabulary } = (model.weights as { text: LlamaWeights }).text;
    // The closed form: what is written, by the last norm's scale, along the difference of two columns.
    const along = tf.tidy(() => {
      const row = last(run.activations.streams.text!.at(-1)!);
      const epsilon = (model.config as unknown as { text: { rms_norm_eps: number } }).text.rms_norm_eps;
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(row)), epsilon));
      const column = ({ id }: { id: number }) => tf.squeeze(tf.slice(vocabulary.weight, [0, id], [-1, 1]));
      return tf.mul(tf.mul(tf.sub(column(answers.correct), column(answers.incorrect)), finalNorm.weight), scale);
    });
    const written = (row: tf.Tensor) => tf.tidy(() => tf.sum(tf.mul(row, along)).dataSync()[0]!);
    close(embedding, written(last(run.activations.streams.text![0]!)), "embedding");
    const { layers, heads: count } = model.towers.text!;
    assert.is(heads["text.self.z"]!.length, layers);
    for (let layer = 0; layer < layers; layer++) {
      close(mlp[layer]!, written(last(tf.expandDims(run.at("text.mlp.out", { layer })))), `mlp of layer ${layer}`);
      for (let head = 0; head < count; head++) {
        using weights = model.headWeights("text.self.z", { layer, head });
        const row = tf.tidy(() =>
          tf.slice(
            run.at("text.self.z", { layer }),
            [run.activations.streams.text![0]!.shape[1]! - 1, head, 0],
            [1, 1, -1],
          ),
        );
        const found = heads["text.self.z"]![layer]![head]!;
        close(found, written(tf.matMul(tf.reshape(row, [1, -1]), weights.O)), `L${layer}H${head}`);
      }
    }
    const parts = [embedding, ...mlp, ...heads["text.self.z"]!.flat()];
    assert.ok(Math.max(...parts.map(Math.abs)) > 1e-3, "a part weighs something");
    close(sum(parts), logitDiff, "the sum");
  });

/** The last token's row of [1, token, width]. */
function last(stream: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.squeeze(tf.slice(stream, [0, stream.shape[1]! - 1, 0], [1, 1, -1])));
}

test("blip-vqa: the biases are what is left of a decoder into which nothing is written", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const { clean, answers } = pair as Pair<"blip-vqa">;
  const { logitDiff, embedding, heads, mlp, biases } = await directAttribution(clean, answers);
  assert.equal(Object.keys(heads), ["decoder.self.z", "decoder.cross.z"]);
  close(sum([embedding, ...mlp, ...Object.values(heads).flat(2), biases]), logitDiff, "the sum");
  const { decoder } = blip.weights;
  const at = (site: "resid_pre" | "resid_mid" | "resid_cross" | "self.out" | "cross.out" | "mlp.out", layer: number) =>
    clean.at(`decoder.${site}`, { layer });
  const { layer_norm_eps: epsilon } = blip.config.text;
  // Only what biases add goes through the norms, whose scales are those of the pass.
  const expected = tf
    .tidy(() => {
      const centred = (x: tf.Tensor) => tf.sub(x, tf.mean(x, -1, true));
      const norm = (x: tf.Tensor, of: tf.Tensor, { weight, bias }: LayerNorm) => {
        const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred(of)), -1, true), epsilon));
        return tf.add(tf.mul(tf.mul(centred(x), scale), weight), bias);
      };
      let bias: tf.Tensor = tf.zeros([1, blip.config.text.hidden_size]);
      for (const [layer, block] of (decoder.blocks as readonly BertBlockWeights[]).entries()) {
        const into = tf.add(bias, block.self.output.bias);
        bias = norm(into, tf.add(at("resid_pre", layer), at("self.out", layer)), block.selfNorm);
        const across = tf.add(bias, block.cross.output.bias);
        bias = norm(across, tf.add(at("resid_mid", layer), at("cross.out", layer)), block.crossNorm);
        bias = norm(bias, tf.add(at("resid_cross", layer), at("mlp.out", layer)), block.mlpNorm);
      }
      const { transform, norm: lastNorm, vocabulary } = decoder.readout;
      const dense = (x: tf.Tensor, { weight, bias }: Linear, withBias = true) =>
        withBias
          ? tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), bias)
          : tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D);
      const row = clean.at("decoder.resid_post", { layer: decoder.blocks.length - 1 });
      const before = dense(row, transform);
      const gate = tf.mul(0.5, tf.add(1, tf.erf(tf.mul(before, Math.SQRT1_2))));
      const through = norm(tf.mul(dense(bias, transform), gate), tf.mul(before, gate), lastNorm);
      const logits = dense(through, vocabulary).dataSync();
      return tf.scalar(logits[answers.correct.id]! - logits[answers.incorrect.id]!);
    })
    .dataSync()[0]!;
  close(biases, expected, "biases");
});

test("blip-itm: a sentence is read at [CLS], and all parts add up", async () => {
  using model = await loadModel(`${FIXTURES}/itm-small`, { warn: () => undefined });
  using run = await model.run({ image: `${FIXTURES}/itm-small/clean.png`, question: "red" });
  const answers = { correct: model.answer("match"), incorrect: model.answer("no match") };
  const { logitDiff, embedding, heads, mlp, biases } = await directAttribution(run, answers);
  assert.equal(Object.keys(heads), ["text.self.z", "text.cross.z"]);
  close(sum([embedding, ...mlp, ...Object.values(heads).flat(2), biases]), logitDiff, "the sum");
});

test("an edit of the stream is refused, one of what is written is not", async () => {
  using blip = await loadBlip(NARROW);
  const answers = { correct: blip.answer("red"), incorrect: blip.answer("striped") };
  const edited = (site: "decoder.resid_mid" | "decoder.cross.out") =>
    blip.run({
      image: CLEAN_IMAGE,
      question: CLEAN_QUESTION,
      edits: [edit(site, { layer: 0 }, (value) => tf.mul(value, 2))],
    });
  using stream = await edited("decoder.resid_mid");
  await refused(() => directAttribution(stream, answers), "options", "decoder.resid_mid");
  using written = await edited("decoder.cross.out");
  const { logitDiff, embedding, heads, mlp, biases } = await directAttribution(written, answers);
  close(sum([embedding, ...mlp, ...Object.values(heads).flat(2), biases]), logitDiff, "the sum");
});

test.run();
