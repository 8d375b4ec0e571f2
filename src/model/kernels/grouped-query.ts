import * as tf from "@tensorflow/tfjs-core";
import {
  type AttentionValue,
  attend,
  causalMask,
  groupedScores,
  type KeysValues,
  largestBatch,
  swapGroups,
} from "./attention.js";
import { softmax } from "./fused.js";
import { intoHeads, type Matrix, outOfHeads } from "./linear.js";
import { batchedMatMul } from "./products.js";
import { type Rotary, rotate } from "./rotary.js";
import { swapped } from "./swapped.js";
import { define, type Given, type Values } from "./values.js";

// Causal attention with rotary positions, in which several query heads share the keys and values of one (Ainslie et al.
// 2305.13245). The heads of a group are folded into the rows of a product, so that keys and values are never copied for
// them.

/** Without biases. */
export interface GroupedQueryWeights<Leaf = tf.Tensor> {
  readonly query: Matrix<Leaf>;
  readonly key: Matrix<Leaf>;
  readonly value: Matrix<Leaf>;
  readonly output: Matrix<Leaf>;
}

/** What it is of, and what stands in its place. */
export interface GroupedQueryOptions {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly rotary: Rotary;
  /** Keys, before their rotation, and values of the tokens before those of `x`. */
  readonly past?: readonly KeysValues[];
  readonly given?: Given<AttentionValue>;
}

/**
 * Values as of `attention`: `q` and `k` before their rotation; `k` and `v` [batch, token, key/value head, headDim];
 * `pattern`, `z` and `q` by query head.
 *
 * @param x [batch, token, width]
 */
export function groupedQueryAttention(
  weights: GroupedQueryWeights,
  x: () => tf.Tensor,
  { heads, keyValueHeads, rotary, past = [], given }: GroupedQueryOptions,
): Values<AttentionValue> {
  const before = past.reduce((sum, { k }) => sum + k.shape[1]!, 0);
  return define(
    {
      q: () => intoHeads(x(), weights.query, heads),
      k: () => intoHeads(x(), weights.key, keyValueHeads),
      v: () => intoHeads(x(), weights.value, keyValueHeads),
      pattern: ({ q, k }) => tf.tidy(() => pattern(rotate(q, before, rotary), turnedKeys(past, k, rotary))),
      z: (values) => {
        const along = [...past.map(({ v }) => v), values.v];
        if (given?.pattern || past.length === 0) return attendGroups(values.pattern, along);
        return tf.tidy(() => {
          const keys = turnedKeys(past, values.k, rotary);
          return attendFrom(rotate(values.q, before, rotary), keys, along);
        });
      },
      out: ({ z }) => outOfHeads(z, weights.output),
    },
    given,
  );
}

/** Keys of the past and of the tokens after it, turned by their positions. */
function turnedKeys(past: readonly KeysValues[], k: tf.Tensor, rotary: Rotary): tf.Tensor[] {
  let first = 0;
  return [...past, { k, turned: undefined }].map(({ k, turned }) => {
    const keys = turned ?? rotate(k, first, rotary);
    first += k.shape[1]!;
    return keys;
  });
}

/**
 * Scores that are computed at a time, so that they stay in the processor's cache, and natively in memory that is used
 * again: more than 32 MB are asked of the system each time (docs/performance.md).
 */
const SCORES_AT_ONCE = 2 ** 22;

/**
 * Attention over keys and values in parts, [batch, query, head, headDim], without a pattern: each part has a softmax of
 * its own, so that no tensor as long as all keys is ever brought together or into another order.
 */
function attendFrom(q: tf.Tensor, keys: readonly tf.Tensor[], values: readonly tf.Tensor[]): tf.Tensor {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const most = largestBatch(keys.concat(values));
  if (most > batch) return attendFrom(tf.tile(q, [most / batch, 1, 1, 1]), keys, values);
  const groups = keys[0]!.shape[2]!;
  const each = heads / groups;
  const scaled = tf.mul(q, 1 / Math.sqrt(headDim));
  const byGroup = tf.reshape(swapped(scaled, [1, batch * queries, groups, each * headDim]), [
    ...[groups, batch, queries, each, headDim],
  ]);
  const [turnedKeys, turnedValues] = [
    keys.map((k) => tf.transpose(k, [2, 0, 3, 1])),
    values.map((v) => tf.transpose(v, [2, 0, 1, 3])),
  ];
  const count = keys.reduce((sum, k) => sum + k.shape[1]!, 0);
  const shared = keys.concat(values).every((k) => k.shape[0] === 1 || k.shape[0] === batch);
  const size = shared ? Math.max(1, Math.floor(SCORES_AT_ONCE / (queries * heads * count))) : batch;
  const pieces: tf.Tensor[] = [];
  for (let from = 0; from < batch; from += size) {
    const many = Math.min(size, batch - from);
    const piece = (x: tf.Tensor) => (many === batch || x.shape[1] === 1 ? x : patchesOf(x, from, many));
    pieces.push(tf.tidy(() => attendTurned(piece(byGroup), turnedKeys.map(piece), turnedValues.map(piece))));
  }
  const z = pieces.length === 1 ? pieces[0]! : tf.concat(pieces, 1);
  return tf.reshape(swapped(z, [1, groups, batch * queries, each * headDim]), [batch, queries, heads, headDim]);
}

/** Some of the second axis; wasm cuts five axes slowly. */
function patchesOf(x: tf.Tensor, from: number, many: number): tf.Tensor {
  const [groups, batch, ...rest] = x.shape as [number, number, ...number[]];
  const cut = tf.slice(tf.reshape(x, [groups, batch, -1]), [0, from, 0], [-1, many, -1]);
  return tf.reshape(cut, [groups, many, ...rest]);
}

/**
 * The same with groups first: queries [group, batch, query, head of the group, headDim], keys [group, context, headDim,
 * key], values [group, context, key, headDim] -> as the queries.
 */
function attendTurned(q: tf.Tensor, keys: readonly tf.Tensor[], values: readonly tf.Tensor[]): tf.Tensor {
  const [groups, batch, queries, each, headDim] = q.shape as [number, number, number, number, number];
  const rows = batch * queries * each;
  const by = (x: tf.Tensor, contexts: number, last: number) => tf.reshape(x, [groups * contexts, -1, last]);
  const parts = keys.map((k, i) => {
    const [, contexts, , count] = k.shape as [number, number, number, number];
    const product = batchedMatMul(by(q, contexts, headDim), by(k, contexts, count));
    const flat = tf.reshape(product, [groups * rows, count]);
    const scores = i === keys.length - 1 && queries > 1 ? masked(flat, queries, each) : flat;
    const pattern = softmax(scores);
    const own = values[i]!.shape[1]!; // patched values may be of more contexts than their keys
    const sum = batchedMatMul(by(pattern, own, count), by(values[i]!, own, headDim));
    // The largest score's share is one over the sum of the exponentials beside it.
    return {
      largest: tf.max(scores, -1, true),
      share: tf.max(pattern, -1, true),
      z: tf.reshape(sum, [groups * rows, headDim]),
    };
  });
  const largest = parts.map((part) => part.largest).reduce((one, other) => tf.maximum(one, other));
  const weights = parts.map((part) => tf.div(tf.exp(tf.sub(part.largest, largest)), part.share));
  const sums = parts.map(({ z }, i) => tf.mul(z, weights[i]!));
  return tf.reshape(tf.div(tf.addN(sums), tf.addN(weights)), q.shape);
}

/** Scores of queries over their own tokens, [… query · head of the group, key], with later ones hidden. */
function masked(scores: tf.Tensor, queries: number, each: number): tf.Tensor {
  const byQuery = tf.reshape(scores, [-1, queries, each, queries]);
  const mask = tf.expandDims(causalMask(queries), 1);
  return tf.reshape(tf.add(byQuery, mask), scores.shape);
}

/** Over keys in parts, of which the last is the queries' own tokens: [batch, head, query, key of all]. */
function pattern(q: tf.Tensor, parts: readonly tf.Tensor[]): tf.Tensor {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const most = largestBatch(parts);
  if (most > batch) return pattern(tf.tile(q, [most / batch, 1, 1, 1]), parts);
  const groups = parts[0]!.shape[2]!;
  const each = heads / groups;
  const folded = tf.reshape(swapped(q, [batch, queries * groups, each, headDim]), [
    ...[batch, each * queries, groups, headDim],
  ]);
  const scores = parts.map((k) => {
    const [contexts, keys] = k.shape as [number, number];
    const split = tf.reshape(groupedScores(folded, k), [contexts, groups, batch / contexts, each * queries, keys]);
    return tf.reshape(swapGroups(split), [batch, heads, queries, keys]);
  });
  if (queries > 1) scores.push(tf.add(scores.pop()!, causalMask(queries)));
  return softmax(joined(scores));
}

/** Σ_key pattern · v over values in as many parts: [batch, query, head, headDim]. */
function attendGroups(pattern: tf.Tensor, parts: readonly tf.Tensor[]): tf.Tensor {
  const times = largestBatch(parts) / pattern.shape[0]!;
  if (times > 1) return attendGroups(tf.tile(pattern, [times, 1, 1, 1]), parts);
  return tf.tidy(() => {
    const [batch, heads, queries] = pattern.shape as [number, number, number];
    const [groups, headDim] = parts[0]!.shape.slice(2) as [number, number];
    const each = heads / groups;
    let from = 0;
    const sums = parts.map((v) => {
      const keys = v.shape[1]!;
      const part = parts.length === 1 ? pattern : tf.slice(pattern, [0, 0, 0, from], [-1, -1, -1, keys]);
      from += keys;
      return attend(tf.reshape(part, [batch, groups, each * queries, keys]), v);
    });
    const z = sums.length === 1 ? sums[0]! : tf.addN(sums); // [batch, head of the group · query, group, headDim]
    return tf.reshape(swapped(z, [batch, each, queries * groups, headDim]), [batch, queries, heads, headDim]);
  });
}

/** Along the last axis; of one there is nothing to join. */
const joined = (parts: readonly tf.Tensor[]): tf.Tensor => (parts.length === 1 ? parts[0]! : tf.concat([...parts], -1));
