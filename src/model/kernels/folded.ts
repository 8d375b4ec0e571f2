import * as tf from "@tensorflow/tfjs-core";
import { softmax } from "./fused.js";
import type { Linear } from "./linear.js";
import { batchedMatMul, batchedMatMulTransposed } from "./products.js";

// Attention to rows that only few queries look at, each batch row at its own: instead of projecting every row to keys
// and values, the query goes back through W_K and meets the rows themselves, and W_V comes after their weighted sum. (q
// W_K)·h = q·(W_K h). The key's bias adds the same to every score of a query, so that the softmax drops it.

/** Fewer rows to project than this many times the width do not pay for reordering W_K and W_V. */
const WORTH_FOLDING = 1;

/** @param x the queries' rows, @param context the rows attended to: [batch, token, width]. */
export function worthFolding(x: tf.Tensor, context: tf.Tensor): boolean {
  const [, queries] = x.shape as [number, number];
  const [contexts, keys, width] = context.shape as [number, number, number];
  return queries < keys && contexts * keys > WORTH_FOLDING * width;
}

/** softmax(q kᵀ / √headDim) without k: [batch, head, query, key]. The batch of `q` or of `context` may be 1. */
export function foldedPattern(q: tf.Tensor, context: tf.Tensor, key: Linear): tf.Tensor {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const [contexts, keys, width] = context.shape as [number, number, number];
  if (contexts > batch) return foldedPattern(tf.tile(q, [contexts / batch, 1, 1, 1]), context, key);
  return tf.tidy(() => {
    const scaled = tf.mul(q, 1 / Math.sqrt(headDim));
    const byHead = tf.reshape(tf.transpose(scaled, [2, 0, 1, 3]), [heads, batch * queries, headDim]);
    const backwards = tf.transpose(tf.reshape(key.weight, [width, heads, headDim]), [1, 2, 0]); // [head, headDim, width]
    const folded = tf.reshape(batchedMatMul(byHead, backwards), [heads, batch, queries, width]);
    const scores = batchedMatMulTransposed(
      tf.reshape(tf.transpose(folded, [1, 0, 2, 3]), [contexts, (batch / contexts) * heads * queries, width]),
      context,
    ); // [context, batch/contexts · head · query, key]
    return softmax(tf.reshape(scores, [batch, heads, queries, keys]));
  });
}

/** Σ_key pattern · v without v: [batch, query, head, headDim]. */
export function foldedAttend(pattern: tf.Tensor, context: tf.Tensor, value: Linear): tf.Tensor {
  const [batch, heads, queries, keys] = pattern.shape as [number, number, number, number];
  const [contexts, , width] = context.shape as [number, number, number];
  if (contexts > batch) return foldedAttend(tf.tile(pattern, [contexts / batch, 1, 1, 1]), context, value);
  return tf.tidy(() => {
    const headDim = width / heads;
    const grouped = tf.reshape(pattern, [contexts, (batch / contexts) * heads * queries, keys]);
    const sums = tf.reshape(batchedMatMul(grouped, context), [batch, heads, queries, width]);
    const byHead = tf.reshape(tf.transpose(sums, [1, 0, 2, 3]), [heads, batch * queries, width]);
    const forwards = tf.transpose(tf.reshape(value.weight, [width, heads, headDim]), [1, 0, 2]); // [head, width, headDim]
    const z = tf.reshape(batchedMatMul(byHead, forwards), [heads, batch, queries, headDim]);
    // A patched pattern need not sum to 1, and the value's bias comes with every key.
    const bias = tf.mul(
      tf.reshape(value.bias, [heads, headDim]),
      tf.transpose(tf.sum(pattern, -1, true), [0, 2, 1, 3]),
    );
    return tf.add(tf.transpose(z, [1, 2, 0, 3]), bias);
  });
}
