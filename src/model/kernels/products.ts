import * as tf from "@tensorflow/tfjs-core";
import { groupedMatMul } from "./grouped.js";
import { tapedAttention } from "./taped.js";
import { blockOf, wasmCalls } from "./wasm-calls.js";

/** Multiplications in one group above which XNNPACK's product beats wasm's batched kernel (docs/decisions.md). */
const WORTH_A_PRODUCT = 6_000;

/** Whether a batched product is one of the batched kernel, not of 2-D products. */
const isBatched = (groups: number, terms: number) =>
  groups > 1 && !(tf.getBackend() === "wasm" && terms >= WORTH_A_PRODUCT);

/** [group, m, k] x [group, k, n] -> [group, m, n], in the way that is fastest on the backend. */
export function batchedMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [groups, m, k] = a.shape as [number, number, number];
  const n = b.shape[2] as number;
  if (groups === 1) return tf.expandDims(tf.matMul(tf.reshape(a, [m, k]), tf.reshape(b, [k, n])), 0);
  if (isBatched(groups, m * k * n)) return wasmCalls()?.products(a, b) ?? tf.matMul(a, b);
  return tf.getBackend() === "wasm" ? groupedMatMul(a, b) : tf.matMul(a, b);
}

/** Above so many multiplications in a head, products of their own are faster than one call. */
const MOST_SMALL = 30_000_000;

/**
 * Attention in one call, where it is small enough for that to be faster: [batch, query, head, headDim].
 *
 * @param q [batch, query, head, headDim] @param k [context, key, head, headDim]; so is `v`.
 */
export function smallAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor | undefined {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  const terms = (batch / contexts) * queries * headDim * keys;
  if (terms > MOST_SMALL) return undefined;
  const block = blockOf(isBatched(contexts * heads, terms));
  return wasmCalls()?.attend(q, k, v, block) ?? tapedAttention({ block }, q, k, v);
}

/** [group, m, k] x [group, n, k] -> [group, m, n]. Wasm's products of transposed factors are slow (docs/decisions.md). */
export function batchedMatMulTransposed(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.getBackend() === "wasm" ? batchedMatMul(a, tf.transpose(b, [0, 2, 1])) : tf.matMul(a, b, false, true);
}
