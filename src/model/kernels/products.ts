import * as tf from "@tensorflow/tfjs-core";
import { groupedMatMul } from "./grouped.js";

/** Multiplications in one group above which XNNPACK's product beats wasm's batched kernel (docs/decisions.md). */
const WORTH_A_PRODUCT = 6_000;

/** [group, m, k] x [group, k, n] -> [group, m, n], in the way that is fastest on the backend. */
export function batchedMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [groups, m, k] = a.shape as [number, number, number];
  const n = b.shape[2] as number;
  if (groups === 1) return tf.expandDims(tf.matMul(tf.reshape(a, [m, k]), tf.reshape(b, [k, n])), 0);
  return tf.getBackend() === "wasm" && m * k * n >= WORTH_A_PRODUCT ? groupedMatMul(a, b) : tf.matMul(a, b);
}

/** [group, m, k] x [group, n, k] -> [group, m, n]. Wasm's products of transposed factors are slow (docs/decisions.md). */
export function batchedMatMulTransposed(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.getBackend() === "wasm" ? batchedMatMul(a, tf.transpose(b, [0, 2, 1])) : tf.matMul(a, b, false, true);
}
