import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { batchedMatMul } from "../../../src/model/kernels/products.js";
import { useBackend } from "../../../src/platform/backend.js";
import { difference } from "../../support/fixture.js";

test.before(async () => {
  await useBackend();
});

const random = (seed: number, ...shape: [number, number, number]) =>
  tf.randomNormal<tf.Rank.R3>(shape, 0, 1, "float32", seed);

function oneByOne(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor {
  const groups = a.shape[0];
  const right = tf.split(b, groups);
  return tf.concat(tf.split(a, groups).map((left, i) => tf.matMul(left, right[i]!)));
}

for (const [groups, m, k, n] of [
  [1, 5, 7, 3],
  [4, 2, 3, 2], // too small to be worth a product each
  [3, 30, 20, 17],
  [5, 1, 90, 80],
] as const)
  test(`${groups} products [${m}, ${k}] x [${k}, ${n}] equal those made one by one, and nothing is left of them`, () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [a, b] = [random(1, groups, m, k), random(2, groups, k, n)];
      assert.ok(difference(batchedMatMul(a, b), oneByOne(a, b)) <= 1e-5);
    });
    assert.is(tf.memory().numTensors, before);
  });

test("products can be differentiated", () => {
  const [a, b, dy] = [random(1, 3, 30, 20), random(2, 3, 20, 17), random(3, 3, 30, 17)];
  const [da, db] = tf.grads((a, b) => batchedMatMul(a, b))([a, b], dy);
  assert.ok(difference(da!, oneByOne(dy, tf.transpose(b, [0, 2, 1]))) <= 1e-5);
  assert.ok(difference(db!, oneByOne(tf.transpose(a, [0, 2, 1]), dy)) <= 1e-5);
});

test.run();
