import * as tf from "@tensorflow/tfjs-core";
import {
  type AttentionValue,
  attend,
  causalMask,
  groupedScores,
  type KeysValues,
  largestBatch,
  mergeHeads,
  splitHeads,
} from "./attention.js";
import { type Matrix, product } from "./linear.js";
import { type Rotary, rotate } from "./rotary.js";
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
      q: () => splitHeads(product(x(), weights.query), heads),
      k: () => splitHeads(product(x(), weights.key), keyValueHeads),
      v: () => splitHeads(product(x(), weights.value), keyValueHeads),
      pattern: ({ q, k }) =>
        tf.tidy(() => {
          let first = 0;
          const keys = [...past.map(({ k }) => k), k].map((part) => {
            const turned = rotate(part, first, rotary);
            first += part.shape[1]!;
            return turned;
          });
          return pattern(rotate(q, before, rotary), keys);
        }),
      z: (values) => attendGroups(values.pattern, [...past.map(({ v }) => v), values.v]),
      out: ({ z }) => product(mergeHeads(z), weights.output),
    },
    given,
  );
}

/** Over keys in parts, of which the last is the queries' own tokens: [batch, head, query, key of all]. */
function pattern(q: tf.Tensor, parts: readonly tf.Tensor[]): tf.Tensor {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const most = largestBatch(parts);
  if (most > batch) return pattern(tf.tile(q, [most / batch, 1, 1, 1]), parts);
  const groups = parts[0]!.shape[2]!;
  const each = heads / groups;
  const folded = tf.reshape(tf.transpose(tf.reshape(q, [batch, queries, groups, each, headDim]), [0, 3, 1, 2, 4]), [
    batch,
    each * queries,
    groups,
    headDim,
  ]);
  const scores = parts.map((k) => {
    const [contexts, keys] = k.shape as [number, number];
    const split = tf.reshape(groupedScores(folded, k), [contexts, groups, batch / contexts, each * queries, keys]);
    const ordered = contexts === batch || groups === 1 ? split : tf.transpose(split, [0, 2, 1, 3, 4]);
    return tf.reshape(ordered, [batch, heads, queries, keys]);
  });
  if (queries > 1) scores.push(tf.add(scores.pop()!, causalMask(queries)));
  return tf.softmax(joined(scores));
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
    const z = tf.reshape(sums.length === 1 ? sums[0]! : tf.addN(sums), [batch, each, queries, groups, headDim]);
    return tf.reshape(tf.transpose(z, [0, 2, 3, 1, 4]), [batch, queries, heads, headDim]);
  });
}

/** Along the last axis; of one there is nothing to join. */
const joined = (parts: readonly tf.Tensor[]): tf.Tensor => (parts.length === 1 ? parts[0]! : tf.concat([...parts], -1));
