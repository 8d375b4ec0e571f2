import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HeadWeights } from "../../src/patching/head-weights.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { singularValues } from "../../src/patching/singular.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

/** The largest absolute difference. */
const apart = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);

async function check(weights: HeadWeights, of: "OV" | "QK"): Promise<void> {
  const before = tf.memory().numTensors;
  {
    using made = await singularValues(weights, of);
    const { S, U, V } = made;
    const values = await S.data();
    assert.ok(
      values.every((value, i) => value >= 0 && (i === 0 || value <= values[i - 1]!)),
      "the largest first",
    );
    tf.tidy(() => {
      assert.ok(apart(tf.matMul(tf.mul(U, S), tf.transpose(V)), weights[of]) < 1e-5, "the sum of directions");
      for (const one of [U, V])
        assert.ok(apart(tf.matMul(tf.transpose(one), one), tf.eye(one.shape[1])) < 1e-5, "columns of length 1");
    });
  }
  assert.is(tf.memory().numTensors, before);
}

test("a head's OV and QK are the sum of their directions", async () => {
  using blip = await loadBlip(NARROW);
  using weights = blip.headWeights("text.cross.z", { layer: 0, head: 1 });
  for (const of of ["OV", "QK"] as const) await check(weights, of);
  await refused(() => singularValues(weights, "O" as "OV"), "options", '"OV" or "QK"');
  const { model } = await Decoder.load("llava-grouped");
  using _ = model;
  using grouped = model.headWeights("text.self.z", { layer: 1, head: 3 });
  for (const of of ["OV", "QK"] as const) await check(grouped, of);
});

test("directions that were planted are found, the stronger first", async () => {
  const [x, y] = [
    tf.tensor2d([
      [0.6, 0],
      [0.8, 0],
      [0, 1],
    ]),
    tf.tensor2d([
      [0, 2, 0],
      [0, 0, -5],
    ]),
  ];
  using found = await singularValues({ V: x, O: y } as unknown as HeadWeights, "OV");
  const round = (tensor: tf.Tensor) =>
    Array.from(tensor.dataSync(), (value) => Math.round(Math.abs(value) * 1e5) / 1e5);
  assert.equal(round(found.S), [5, 2]);
  assert.equal(round(found.U), [0, 0.6, 0, 0.8, 1, 0]);
  assert.equal(round(found.V), [0, 0, 0, 1, 1, 0]);
});

test.run();
