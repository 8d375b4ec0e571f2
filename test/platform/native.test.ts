import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fusedLinear, softmax } from "../../src/model/kernels/fused.js";
import { gelu, layerNorm, linear, linearGelu } from "../../src/model/kernels/linear.js";
import { tryBackend } from "../../src/platform/backend.js";

// Where the native backend is not installed, nothing is tested here.
const missing = await tryBackend("node");
const onNative = missing === undefined ? test : test.skip;

const [ROWS, IN, OUT] = [11, 70, 45];
const random = (seed: number, ...shape: number[]) => tf.randomUniform(shape, -1, 1, "float32", seed);
const rowsOf = (x: tf.Tensor) => tf.reshape(x, [-1, x.shape.at(-1)!]).arraySync() as number[][];

function apart(found: tf.Tensor, expected: number[][]): number {
  const differences = rowsOf(found).flatMap((row, i) => row.map((value, j) => Math.abs(value - expected[i]![j]!)));
  return differences.reduce((most, one) => (one > most || Number.isNaN(one) ? one : most), 0);
}

/** x W + b in double precision. */
function products(x: tf.Tensor, { weight, bias }: { weight: tf.Tensor; bias: tf.Tensor }): number[][] {
  const [w, b] = [rowsOf(weight), bias.arraySync() as number[]];
  return rowsOf(x).map((row) => b.map((start, j) => row.reduce((sum, value, i) => sum + value * w[i]![j]!, start)));
}

/** Φ by Simpson's rule. */
function normal(x: number): number {
  const [steps, density] = [200, (t: number) => Math.exp(-t * t * 0.5) / Math.sqrt(2 * Math.PI)];
  const h = x / steps;
  let sum = density(0) + density(x);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 0 ? 2 : 4) * density(i * h);
  return 0.5 + (sum * h) / 3;
}

function norms(rows: number[][], weight: number[], bias: number[], epsilon: number): number[][] {
  return rows.map((row) => {
    const mean = row.reduce((sum, value) => sum + value) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[i]! + bias[i]!);
  });
}

onNative("the fused kernels compute what they say, in double precision, and leave nothing", () => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const [weights, x] = [{ weight: random(1, IN, OUT), bias: random(2, OUT) }, random(3, 1, ROWS, IN)];
    const expected = products(x, weights);
    const found = linear(x, weights);
    assert.equal(found.shape, [1, ROWS, OUT]);
    assert.ok(apart(found, expected) < 1e-5);
    const activated = expected.map((row) => row.map((value) => value * normal(value)));
    assert.ok(apart(linearGelu(x, weights)!, activated) < 1e-5);
    for (const epsilon of [1e-12, 0.5]) {
      const [weight, bias] = [random(4, OUT), random(5, OUT)];
      const normed = norms(rowsOf(found), weight.arraySync() as number[], bias.arraySync() as number[], epsilon);
      assert.ok(apart(layerNorm(found, { weight, bias }, epsilon), normed) < 1e-5);
    }
    const shares = rowsOf(found).map((row) => {
      const sum = row.reduce((sum, value) => sum + Math.exp(value), 0);
      return row.map((value) => Math.exp(value) / sum);
    });
    assert.ok(apart(softmax(found), shares) < 1e-6);
  });
  assert.is(tf.memory().numTensors, before);
});

onNative("while a gradient is taken, the steps are", () => {
  tf.tidy(() => {
    const weights = { weight: random(1, IN, OUT), bias: random(2, OUT) };
    const x = random(3, ROWS, IN);
    assert.ok(fusedLinear(x, weights.weight, weights.bias));
    const towards = tf.grad((rows) => {
      assert.not.ok(fusedLinear(rows, weights.weight, weights.bias));
      assert.not.ok(linearGelu(rows, weights));
      return tf.sum(linear(rows, weights));
    })(x);
    const sums = rowsOf(weights.weight).map((row) => row.reduce((sum, value) => sum + value));
    assert.ok(
      apart(
        towards,
        Array.from({ length: ROWS }, () => sums),
      ) < 1e-5,
    );
    const through = tf.grad((rows) => tf.sum(softmax(gelu(linear(rows, weights)))))(x);
    assert.ok(
      apart(
        through,
        Array.from({ length: ROWS }, () => new Array(IN).fill(0)),
      ) < 1e-5,
    ); // shares sum to 1
  });
});

test.run();
