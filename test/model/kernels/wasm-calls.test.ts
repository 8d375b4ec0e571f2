import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { attention } from "../../../src/model/kernels/attention.js";
import { registerGradients } from "../../../src/model/kernels/gradients.js";
import {
  gelu,
  holdingScales,
  intoHeads,
  layerNorm,
  linear,
  normOfSum,
  outOfHeads,
  product,
} from "../../../src/model/kernels/linear.js";
import { batchedMatMul } from "../../../src/model/kernels/products.js";
import { takeRows } from "../../../src/model/kernels/take-rows.js";
import { blend } from "../../../src/model/kernels/values.js";
import { byOps, wasmCalls } from "../../../src/model/kernels/wasm-calls.js";
import { useBackend } from "../../../src/platform/backend.js";

// The ops of TensorFlow.js are what calls are compared with, bit for bit.

test.before(async () => {
  await useBackend("wasm");
  registerGradients();
  assert.ok(wasmCalls());
});

let seed = 0;
const random = (...shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", ++seed);

async function same(compute: () => tf.Tensor): Promise<void> {
  const before = tf.memory().numTensors;
  const [one, ops] = [tf.tidy(compute), await byOps(() => tf.tidy(compute))];
  assert.is(tf.memory().numTensors, before + 2, "nothing else is left");
  assert.equal(one.shape, ops.shape);
  assert.equal([...(await one.data())], [...(await ops.data())]);
  tf.dispose([one, ops]);
}

/** Of the products of what comes out and some numbers, which are not all alike. */
async function sameGradients(step: (...inputs: tf.Tensor[]) => tf.Tensor, ...inputs: tf.Tensor[]): Promise<void> {
  const dy = tf.tidy(() => random(...step(...inputs).shape));
  for (const at of inputs.keys()) await same(() => tf.grads(step)(inputs, dy)[at]!);
  dy.dispose();
}

for (const [rows, width] of [
  [1, 96],
  [3, 13],
  [7, 96],
  [64, 13],
  [131, 50], // more rows than stay in the cache
] as const)
  test(`${rows} rows of ${width}: norm, activation, projections`, async () => {
    const x = random(1, rows, width);
    const vectors = { weight: random(width), bias: random(width) };
    await same(() => layerNorm(x, vectors, 1e-5));
    await same(() => normOfSum(x, tf.mul(x, 2), vectors, 1e-5));
    await same(() => normOfSum(x, vectors.bias, vectors, 1e-5));
    await same(() => gelu(x));
    const matrix = { weight: random(width, 18), bias: random(18) };
    await same(() => linear(x, matrix));
    await same(() => product(x, matrix));
    await same(() => intoHeads(x, matrix, 6));
    await same(() => outOfHeads(tf.reshape(x, [1, rows, 1, width]), { weight: matrix.weight }));
    for (const step of [
      (x: tf.Tensor) => layerNorm(x, vectors, 1e-5),
      gelu,
      (x: tf.Tensor) => linear(x, matrix),
      (x: tf.Tensor) => product(x, matrix),
      (x: tf.Tensor) => intoHeads(x, matrix, 6),
    ])
      await sameGradients(step, x);
  });

test("a matrix that is packed in several parts", async () => {
  const x = random(9, 70_000);
  const matrix = { weight: random(70_000, 21), bias: random(21) }; // eight columns at once
  await same(() => linear(x, matrix));
  const [weight, dy] = [random(21, 70_000), random(9, 70_000)];
  const slope = tf.grad((x: tf.Tensor) => product(x, { weight }))(random(9, 21), dy);
  const right = await byOps(() => tf.tidy(() => product(dy, { weight: tf.transpose(weight) })));
  assert.equal([...(await slope.data())], [...(await right.data())]);
});

for (const [groups, m, k, n] of [
  [1, 5, 7, 3],
  [3, 4, 16, 9],
  [2, 6, 100, 9], // two whole blocks of the sum and a part of one
  [3, 70, 30, 21], // in panels, and no blocks
] as const)
  test(`${groups} products [${m}, ${k}] x [${k}, ${n}]`, async () => {
    const [a, b] = [random(groups, m, k), random(groups, k, n)];
    await same(() => batchedMatMul(a, b));
  });

for (const [batch, contexts, queries, keys] of [
  [1, 1, 9, 9],
  [4, 4, 9, 9],
  [4, 1, 9, 65],
  [4, 2, 3, 65],
  [8, 1, 10, 65],
  [1, 1, 65, 65],
] as const)
  test(`attention of ${batch} x ${queries} queries to ${contexts} x ${keys} keys`, async () => {
    const [q, k, v] = [random(batch, queries, 6, 16), random(contexts, keys, 6, 16), random(contexts, keys, 6, 16)];
    const nothing = { weight: q, bias: q };
    const weights = { query: nothing, key: nothing, value: nothing, output: nothing };
    const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
      attention(weights, () => q, { k, v }, { heads: 6, given: { q: { values: q } } }).z;
    await same(() => attend(q, k, v));
    await sameGradients(attend as (...inputs: tf.Tensor[]) => tf.Tensor, q, k, v);
  });

test("where scales are held, gradients go through the ops", async () => {
  const [x, weight, bias] = [random(5, 8), random(8), random(8)];
  const slope = tf.grad((x: tf.Tensor) => gelu(layerNorm(x, { weight, bias }, 1e-5)));
  await same(() => holdingScales(() => slope(x)));
  const [free, held] = [slope(x), holdingScales(() => slope(x))];
  assert.not.equal([...(await free.data())], [...(await held.data())]);
});

test("rows are taken in any order", async () => {
  const x = random(4, 3, 5);
  await same(() => takeRows(x, [3, 0, 0, 2, 1]));
  const all = takeRows(x, [0, 1, 2, 3]);
  assert.equal([...(await all.data())], [...(await x.data())]);
});

for (const [base, values, where] of [
  [
    [3, 4, 2, 5],
    [3, 4, 2, 5],
    [3, 4, 2, 1],
  ],
  [
    [1, 4, 2, 8],
    [1, 4, 2, 8],
    [4, 2, 1],
  ],
  [
    [1, 4, 2, 5],
    [3, 4, 2, 5],
    [4, 2, 1],
  ],
  [
    [3, 4, 9],
    [4, 9],
    [3, 4, 1],
  ],
  [[3, 4, 9], [1], [3, 4, 1]], // by ops
  [
    [3, 4, 2, 5],
    [3, 4, 1, 5],
    [3, 4, 2, 1],
  ],
  [
    [3, 4, 2, 5],
    [3, 4, 2, 5],
    [3, 1, 2, 1],
  ],
  [
    [3, 4, 5],
    [3, 4, 5],
    [3, 4, 5],
  ],
] as [number[], number[], number[]][])
  test(`blends [${values}] into [${base}] at [${where}]`, async () => {
    const places = tf.cast(tf.greater(random(...where), 0), "float32");
    const [one, other] = [random(...base), random(...values)];
    await same(() => blend(one, other, places));
  });

test.run();
