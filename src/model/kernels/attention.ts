import * as tf from "@tensorflow/tfjs-core";
import { foldedAttend, foldedPattern, worthFolding } from "./folded.js";
import { softmax } from "./fused.js";
import { intoHeads, type Linear, outOfHeads } from "./linear.js";
import { attendInOne, batchedMatMul } from "./products.js";
import { swapped } from "./swapped.js";
import { define, type Given, type Values } from "./values.js";

export interface AttentionWeights<Leaf = tf.Tensor> {
  readonly query: Linear<Leaf>;
  readonly key: Linear<Leaf>;
  readonly value: Linear<Leaf>;
  /** W_O with its bias. */
  readonly output: Linear<Leaf>;
}

/**
 * The values of one attention sublayer:
 * `q`, `k`, `v`, `z` [batch, token, head, headDim]; `pattern` [batch, head, query, key], after the softmax;
 * `out` [batch, token, width], after W_O and before the residual sum.
 */
export type AttentionValue = "q" | "k" | "v" | "pattern" | "z" | "out";

/**
 * Projected keys and values [batch, token, head, headDim]. Their batch may be shorter than the queries': with n times
 * as many queries, each serves n consecutive ones (one image, many patches), and is never copied.
 */
export interface KeysValues {
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
  /** `k` turned by its positions, where that is known. */
  readonly turned?: tf.Tensor;
}

export interface AttentionOptions {
  readonly heads: number;
  /** Hides later tokens from earlier ones. */
  readonly causal?: boolean;
  /**
   * Keys and values of the tokens before those of `x`, which attend to all of them; their batch may be shorter, as any
   * context's.
   */
  readonly past?: readonly KeysValues[];
  readonly given?: Given<AttentionValue>;
}

/**
 * The one attention of every tower, cut where the science cuts it: in `z` every head is a value of its own, until W_O
 * sums them.
 *
 * @param x makes the queries, [batch, token, width].
 * @param context what is attended to: rows [batch, token, width], or keys and values projected before. Those have no
 *   past.
 */
export function attention(
  weights: AttentionWeights,
  x: () => tf.Tensor,
  context: () => tf.Tensor,
  options: AttentionOptions,
): Values<AttentionValue>;
export function attention(
  weights: AttentionWeights,
  x: () => tf.Tensor,
  context: (() => tf.Tensor) | KeysValues,
  options: AttentionOptions & { readonly past?: undefined },
): Values<AttentionValue>;
export function attention(
  weights: AttentionWeights,
  x: () => tf.Tensor,
  context: (() => tf.Tensor) | KeysValues,
  options: AttentionOptions,
): Values<AttentionValue> {
  const { heads, causal = false, past = [], given } = options;
  const q = () => intoHeads(x(), weights.query, heads);
  const out = ({ z }: Values<AttentionValue>) => outOfHeads(z, weights.output);
  const attended = (values: Values<AttentionValue>) =>
    given?.pattern ? attend(values.pattern, values.v) : attendFrom(values.q, values.k, values.v, causal);
  if (typeof context !== "function") {
    const { k, v } = context;
    return define(
      { q, k: () => k, v: () => v, pattern: ({ q, k }) => attentionPattern(q, k, causal), z: attended, out },
      given,
    );
  }
  const folds = () => !causal && past.length === 0 && !given?.k && !given?.v && worthFolding(x(), context());
  return define(
    {
      q,
      k: () => intoHeads(context(), weights.key, heads),
      v: () => intoHeads(context(), weights.value, heads),
      pattern: (values) => {
        if (folds()) return foldedPattern(values.q, context(), weights.key);
        if (past.length > 0) return patternAlong(values.q, [...past.map(({ k }) => k), values.k], causal);
        return attentionPattern(values.q, values.k, causal);
      },
      z: (values) => {
        if (isAlone(x(), context(), options)) return values.v;
        if (folds()) return foldedAttend(values.pattern, context(), weights.value);
        if (past.length > 0) return attendAlong(values.pattern, [...past.map(({ v }) => v), values.v]);
        return attended(values);
      },
      out,
    },
    given,
  );
}

/** Whether all of a row's attention is on itself, whatever its query and key are. */
function isAlone(x: tf.Tensor, context: tf.Tensor, { past = [], given }: AttentionOptions): boolean {
  const [[batch, queries], [contexts, keys]] = [x.shape, context.shape];
  const isOne = past.length === 0 && queries === 1 && keys === 1 && batch === contexts;
  return isOne && !given?.q && !given?.k && !given?.pattern;
}

/** Keys and values of a context [batch, token, width] that many runs will share. */
export function keysValues(weights: AttentionWeights, context: tf.Tensor, heads: number): KeysValues {
  return {
    k: intoHeads(context, weights.key, heads),
    v: intoHeads(context, weights.value, heads),
  };
}

/** softmax(q kᵀ / √headDim): [batch, head, query, key]. */
export function attentionPattern(q: tf.Tensor, k: tf.Tensor, causal = false): tf.Tensor {
  const [batch, queries, heads] = q.shape as [number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  if (contexts > batch) return attentionPattern(tf.tile(q, [contexts / batch, 1, 1, 1]), k, causal);
  return tf.tidy(() => {
    const split = tf.reshape(groupedPattern(q, k, causal), [contexts, heads, batch / contexts, queries, keys]);
    return tf.reshape(swapGroups(split), [batch, heads, queries, keys]);
  });
}

/** Σ_key pattern · v: [batch, query, head, headDim]. */
export function attend(pattern: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const [batch, heads, queries, keys] = pattern.shape as [number, number, number, number];
  const [contexts] = v.shape as [number];
  if (contexts > batch) return attend(tf.tile(pattern, [contexts / batch, 1, 1, 1]), v);
  return tf.tidy(() => {
    const split = tf.reshape(pattern, [contexts, batch / contexts, heads, queries, keys]);
    const rows = (batch / contexts) * queries;
    return ungroup(sumValues(tf.reshape(swapGroups(split), [contexts * heads, rows, keys]), v), batch, contexts);
  });
}

/**
 * Both in one, [batch, query, head, headDim]. The pattern in between is never brought into the order of its name, which
 * costs a native sweep a tenth of its time.
 */
function attendFrom(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, causal = false): tf.Tensor {
  const [[batch], [contexts]] = [q.shape, k.shape] as [[number], [number]];
  if (contexts > batch || v.shape[0] !== contexts) return attend(attentionPattern(q, k, causal), v);
  const one = causal ? undefined : attendInOne(q, k, v);
  if (one) return one;
  return tf.tidy(() => ungroup(sumValues(groupedPattern(q, k, causal), v), batch, contexts));
}

/**
 * The pattern over keys in several parts, [batch, head, query, key of all]: the last part is of the queries' own
 * tokens.
 */
function patternAlong(q: tf.Tensor, parts: readonly tf.Tensor[], causal: boolean): tf.Tensor {
  const [batch, queries, heads] = q.shape as [number, number, number];
  const most = largestBatch(parts);
  if (most > batch) return patternAlong(tf.tile(q, [most / batch, 1, 1, 1]), parts, causal);
  return tf.tidy(() => {
    const scores = parts.map((k) => {
      const [contexts, keys] = k.shape as [number, number];
      const split = tf.reshape(groupedScores(q, k), [contexts, heads, batch / contexts, queries, keys]);
      return tf.reshape(swapGroups(split), [batch, heads, queries, keys]);
    });
    if (causal && queries > 1) scores.push(tf.add(scores.pop()!, causalMask(queries)));
    return softmax(tf.concat(scores, -1));
  });
}

export const largestBatch = (parts: readonly tf.Tensor[]) => Math.max(...parts.map(({ shape }) => shape[0]!));

/** The same pattern over values in as many parts: [batch, query, head, headDim]. */
function attendAlong(pattern: tf.Tensor, parts: readonly tf.Tensor[]): tf.Tensor {
  const times = largestBatch(parts) / pattern.shape[0]!;
  if (times > 1) return attendAlong(tf.tile(pattern, [times, 1, 1, 1]), parts);
  return tf.tidy(() => {
    const counts = parts.map(({ shape }) => shape[1]!);
    return tf.addN(tf.split(pattern, counts, -1).map((part, i) => attend(part, parts[i]!)));
  });
}

/** q kᵀ / √headDim with all queries that share a context as rows: [contexts · head, batch/contexts · query, key]. */
export function groupedScores(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const [, , heads, headDim] = q.shape as [number, number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  return batchedMatMul(
    groupQueries(tf.mul(q, 1 / Math.sqrt(headDim)), contexts),
    tf.reshape(tf.transpose(k, [0, 2, 3, 1]), [contexts * heads, headDim, keys]),
  );
}

/** The same after the softmax. */
function groupedPattern(q: tf.Tensor, k: tf.Tensor, causal: boolean): tf.Tensor {
  const [batch, queries, heads] = q.shape as [number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  const scores = groupedScores(q, k);
  if (!causal) return softmax(scores);
  const byQuery = tf.reshape(scores, [contexts * heads * (batch / contexts), queries, keys]);
  return tf.reshape(softmax(tf.add(byQuery, causalMask(queries))), scores.shape as [number, number, number]);
}

/** pattern [contexts · head, rows, key] x v [contexts, key, head, headDim] -> [contexts · head, rows, headDim] */
function sumValues(pattern: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const [contexts, keys, heads, headDim] = v.shape as [number, number, number, number];
  return batchedMatMul(pattern, tf.reshape(tf.transpose(v, [0, 2, 1, 3]), [contexts * heads, keys, headDim]));
}

/** [contexts · head, batch/contexts · query, headDim] -> [batch, query, head, headDim] */
function ungroup(z: tf.Tensor, batch: number, contexts: number): tf.Tensor {
  const [groups, rows, headDim] = z.shape as [number, number, number];
  const perHead = tf.transpose(tf.reshape(z, [contexts, groups / contexts, rows, headDim]), [0, 2, 1, 3]);
  return tf.reshape(perHead, [batch, (rows * contexts) / batch, groups / contexts, headDim]);
}

/** [context, a, b, query, key] -> [context, b, a, query, key] */
export function swapGroups(x: tf.Tensor): tf.Tensor {
  const [contexts, a, b, queries, keys] = x.shape as [number, number, number, number, number];
  const shape = [contexts, b, a, queries, keys];
  // A native reshape is a copy: where there is nothing to move, one is enough.
  return a === 1 || b === 1 ? tf.reshape(x, shape) : tf.reshape(swapped(x, [contexts, a, b, queries * keys]), shape);
}

/** Folds every query that shares a context into rows: [contexts · head, batch/contexts · query, headDim]. */
function groupQueries(q: tf.Tensor, contexts: number): tf.Tensor3D {
  const [batch, queries, heads, headDim] = q.shape as [number, number, number, number];
  const rows = (batch / contexts) * queries;
  const grouped = tf.transpose(tf.reshape(q, [contexts, rows, heads, headDim]), [0, 2, 1, 3]);
  return tf.reshape(grouped, [contexts * heads, rows, headDim]);
}

/** [query, key]: 0 where key <= query, a large negative number after it. */
export function causalMask(tokens: number): tf.Tensor {
  const mask = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) mask.fill(-1e9, query * tokens + query + 1, (query + 1) * tokens);
  return tf.tensor2d(mask, [tokens, tokens]);
}
