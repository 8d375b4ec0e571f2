import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { attend, attentionPattern } from "../../../src/model/kernels/attention.js";
import { foldedAttend, foldedPattern } from "../../../src/model/kernels/folded.js";
import { intoHeads } from "../../../src/model/kernels/linear.js";
import { useBackend } from "../../../src/platform/backend.js";
import { difference } from "../../support/fixture.js";

const [HEADS, HEAD_DIM, WIDTH] = [3, 4, 12];

test.before(async () => {
  await useBackend();
});

for (const [batch, contexts] of [
  [5, 5],
  [4, 1],
  [1, 6],
] as const)
  test(`folding ${batch} queries over ${contexts} contexts equals projecting keys and values`, () => {
    const random = (...shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", 7);
    const [key, value] = [3, 8].map((seed) => ({
      weight: tf.randomNormal([WIDTH, WIDTH], 0, 0.5, "float32", seed),
      bias: tf.randomNormal([WIDTH], 0, 1, "float32", seed),
    })) as [{ weight: tf.Tensor; bias: tf.Tensor }, { weight: tf.Tensor; bias: tf.Tensor }];
    const q = random(batch, 2, HEADS, HEAD_DIM);
    const context = random(contexts, 7, WIDTH);
    const pattern = attentionPattern(q, intoHeads(context, key, HEADS));
    assert.ok(difference(foldedPattern(q, context, key), pattern) <= 1e-5);
    // As after a patch: not summing to 1.
    const halved = tf.mul(pattern, 0.5);
    const z = attend(halved, intoHeads(context, value, HEADS));
    assert.ok(difference(foldedAttend(halved, context, value), z) <= 1e-5);
    // One pattern serves all contexts.
    const [lone, v] = [tf.slice(halved, [0], [1]), intoHeads(context, value, HEADS)];
    const each = attend(tf.concat(Array.from({ length: contexts }, () => lone)), v);
    assert.ok(difference(foldedAttend(lone, context, value), each) <= 1e-5);
  });

test.run();
