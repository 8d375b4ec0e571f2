import * as tf from "@tensorflow/tfjs-core";
import { groupedMatMul } from "./grouped.js";
import { tapedAttention } from "./taped.js";
import { wasmCalls } from "./wasm-calls.js";

/** Multiplications in one group above which XNNPACK's product beats wasm's batched kernel (docs/decisions.md). */
const WORTH_A_PRODUCT = 6_000;

/** Whether a batched product is one of the batched kernel, not of 2-D products. */
const isBatched = (groups: number, terms: number) =>
  groups > 1 && !(tf.getBackend() === "wasm" && terms >= WORTH_A_PRODUCT);

/** The batched kernel adds so many terms one after the other, and then adds such sums. */
const BATCHED_TERMS = 48;
/** A 2-D product adds all terms one after the other. */
const ALL_TERMS = 2 ** 30;

/** How many terms of a product are one sum in the kernel that the ops would take. */
const termsOfASum = (batched: boolean) => (batched ? BATCHED_TERMS : ALL_TERMS);

/** [group, m, k] x [group, k, n] -> [group, m, n], in the way that is fastest on the backend. */
export function batchedMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [groups, m, k] = a.shape as [number, number, number];
  const n = b.shape[2] as number;
  const batched = isBatched(groups, m * k * n);
  const calls = wasmCalls();
  if (calls) return calls.products(a, b, termsOfASum(batched));
  if (groups === 1) return tf.expandDims(tf.matMul(tf.reshape(a, [m, k]), tf.reshape(b, [k, n])), 0);
  return batched || tf.getBackend() !== "wasm" ? tf.matMul(a, b) : groupedMatMul(a, b);
}

/**
 * Attention in one call, where the backend has it: [batch, query, head, headDim].
 *
 * @param q [batch, query, head, headDim] @param k [context, key, head, headDim]; so is `v`.
 */
export function attendInOne(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor | undefined {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  const block = termsOfASum(isBatched(contexts * heads, (batch / contexts) * queries * headDim * keys));
  return wasmCalls()?.attend(q, k, v, block) ?? tapedAttention({ block }, q, k, v);
}

/** [group, m, k] x [group, n, k] -> [group, m, n]. Wasm's products of transposed factors are slow (docs/decisions.md). */
export function batchedMatMulTransposed(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.getBackend() === "wasm" ? batchedMatMul(a, tf.transpose(b, [0, 2, 1])) : tf.matMul(a, b, false, true);
}
