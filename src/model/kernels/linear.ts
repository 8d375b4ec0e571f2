import * as tf from "@tensorflow/tfjs-core";
import { fusedLinear, fusedNorm, fusesLinear } from "./fused.js";
import { tapedGelu, tapedLinear, tapedNorm } from "./taped.js";
import { wasmCalls } from "./wasm-calls.js";

// Each step is a tidy of its own, so that of a layer only its named values stand in memory at once. A matrix is read
// once in such a tidy: where it is kept in 16 bits it is made for that.

/** y = x W + b. `Leaf` is the tensor itself, or its place in a checkpoint (weights.ts). */
export interface Linear<Leaf = tf.Tensor> {
  /** [in, out] */
  readonly weight: Leaf;
  /** [out] */
  readonly bias: Leaf;
}

export interface LayerNorm<Leaf = tf.Tensor> {
  /** [width] */
  readonly weight: Leaf;
  /** [width] */
  readonly bias: Leaf;
}

/** x W + b: [..., in] -> [..., out]. */
export function linear(x: tf.Tensor, weights: Linear): tf.Tensor {
  return folded(x, weights, (out) => [...x.shape.slice(0, -1), out]);
}

/** A product without a bias. */
export interface Matrix<Leaf = tf.Tensor> {
  /** [in, out] */
  readonly weight: Leaf;
}

/** x W: [..., in] -> [..., out]. */
export function product(x: tf.Tensor, weights: Matrix): tf.Tensor {
  return folded(x, weights, (out) => [...x.shape.slice(0, -1), out]);
}

/** With a bias or without one. */
type Projection = Matrix & { readonly bias?: tf.Tensor };

/** Queries, keys or values: [batch, token, width] -> [batch, token, head, headDim]. */
export function intoHeads(x: tf.Tensor, weights: Projection, heads: number): tf.Tensor {
  return folded(x, weights, (out) => [...x.shape.slice(0, -1), heads, out / heads]);
}

/** What heads write: [batch, token, head, headDim] -> [batch, token, width]. */
export function outOfHeads(z: tf.Tensor, weights: Projection): tf.Tensor {
  return folded(z, weights, (out) => [...z.shape.slice(0, -2), out]);
}

/** Rows are folded into one 2-D product: of the ops' products the only one that is fast on wasm. */
function folded(x: tf.Tensor, weights: Projection, shapeOf: (out: number) => number[]): tf.Tensor {
  return tf.tidy(() => {
    const { weight, bias } = weights;
    const shape = shapeOf(weight.shape[1]!);
    const calls = wasmCalls();
    if (calls) return calls.linear(x, weight, bias, shape);
    const taped = tapedLinear({ weight, bias, source: weights, from: x.shape, shape }, x);
    if (taped) return taped;
    const rows = tf.reshape(x, [-1, weight.shape[0]!]) as tf.Tensor2D;
    const fused = bias && fusedLinear(rows, weight, bias);
    if (fused) return tf.reshape(fused, shape);
    const product = tf.matMul(rows, weight as tf.Tensor2D); // [rows, out]
    return tf.reshape(bias ? tf.add(product, bias) : product, shape);
  });
}

/** GELU of x W + b, [..., in] -> [..., out], in one step; undefined where the backend takes two. */
export function linearGelu(x: tf.Tensor, weights: Linear): tf.Tensor | undefined {
  if (!fusesLinear()) return undefined;
  return tf.tidy(() => {
    const { weight, bias } = weights;
    const fused = fusedLinear(tf.reshape(x, [-1, weight.shape[0]!]), weight, bias, { gelu: true });
    return tf.reshape(fused!, [...x.shape.slice(0, -1), weight.shape[1]!]);
  });
}

let held = false;

/**
 * Gradients that `compute` takes hold the scales of norms and GELU's gates as they are in this pass: what comes out is
 * then linear in what is added to the stream.
 */
export function holdingScales<Result>(compute: () => Result): Result {
  held = true;
  try {
    return compute();
  } finally {
    held = false;
  }
}

/** x / √(mean x² + ε) by a scale, over the last axis (Zhang & Sennrich 1910.07467). */
export function rmsNorm(x: tf.Tensor, { weight }: Matrix, epsilon: number): tf.Tensor {
  return tf.tidy(() => tf.mul(toUnitSquare(x, epsilon), weight));
}

/** To mean square 1, with its derivative. */
function toUnitSquare(x: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.customGrad((x, save) => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x as tf.Tensor), -1, true), epsilon)); // [..., 1]
    const value = tf.mul(x as tf.Tensor, scale);
    (save as tf.GradSaveFunc)([value, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [value, scale] = saved as [tf.Tensor, tf.Tensor];
      if (held) return tf.mul(dy, scale);
      return tf.mul(tf.sub(dy, tf.mul(value, tf.mean(tf.mul(dy, value), -1, true))), scale);
    };
    return { value, gradFunc };
  })(x);
}

/** The gradient towards x of `intoHeads`, from that towards its result: dy Wᵀ, [batch, token, in]. */
export function headsBackward(dy: tf.Tensor, weights: Matrix): tf.Tensor {
  return tf.tidy(() => outOfHeads(dy, { weight: tf.transpose(weights.weight) }));
}

/** Over the last axis; variance without Bessel's correction, as in PyTorch. */
export function layerNorm(x: tf.Tensor, weights: LayerNorm, epsilon: number): tf.Tensor {
  const { weight, bias } = weights;
  const found =
    wasmCalls()?.layerNorm(x, weights, epsilon) ?? (held ? undefined : tapedNorm({ weight, bias, epsilon }, x));
  if (found) return found;
  return fusedNorm(x, weights, epsilon) ?? tf.tidy(() => tf.add(tf.mul(normalise(x, epsilon), weight), bias));
}

/** The same of a sum. */
export function normOfSum(x: tf.Tensor, y: tf.Tensor, weights: LayerNorm, epsilon: number): tf.Tensor {
  const alike = tf.util.arraysEqual(x.shape, y.shape);
  const calls = alike ? wasmCalls() : undefined;
  return calls?.layerNorm(x, weights, epsilon, y) ?? layerNorm(tf.add(x, y), weights, epsilon);
}

/** To mean 0 and variance 1, with its derivative, which takes half as many steps as those of its parts. */
function normalise(x: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.customGrad((x, save) => {
    const centred = tf.sub(x as tf.Tensor, tf.mean(x as tf.Tensor, -1, true));
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon)); // [..., 1]
    const value = tf.mul(centred, scale);
    (save as tf.GradSaveFunc)([value, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [value, scale] = saved as [tf.Tensor, tf.Tensor];
      const centred = tf.sub(dy, tf.mean(dy, -1, true));
      if (held) return tf.mul(centred, scale);
      const along = tf.mul(value, tf.mean(tf.mul(dy, value), -1, true));
      return tf.mul(tf.sub(centred, along), scale);
    };
    return { value, gradFunc };
  })(x);
}

/** x Φ(x), by erf: BLIP uses the exact form, not the tanh approximation. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return wasmCalls()?.gelu(x) ?? (held ? undefined : tapedGelu({}, x)) ?? geluWithGradient(x);
}

/** With its derivative Φ(x) + x φ(x), which takes half as many steps as those of its parts. */
const geluWithGradient = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  const twice = tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1); // 2 Φ(x)
  (save as tf.GradSaveFunc)([input, twice]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [input, twice] = saved as [tf.Tensor, tf.Tensor];
    if (held) return tf.mul(dy, tf.mul(twice, 0.5));
    const density = tf.exp(tf.add(tf.mul(tf.square(input), -0.5), -0.5 * Math.log(2 * Math.PI))); // φ(x)
    return tf.mul(dy, tf.add(tf.mul(twice, 0.5), tf.mul(input, density)));
  };
  return { value: tf.mul(tf.mul(input, 0.5), twice), gradFunc };
});
