import * as tf from "@tensorflow/tfjs-core";
import type { Network } from "../model/architecture.js";
import { type BlockSite, valueAt } from "../model/blocks/block.js";
import { attentionPattern } from "../model/kernels/attention.js";
import { blockOf } from "../model/pass.js";
import type { Run } from "./run.js";
import { parseSite, type SiteParts } from "./sites.js";

// A saturated softmax has almost no gradient, even where a changed query or key changes it a lot. So the change of the
// pattern is computed exactly, and only what follows is linearised (AtP*, Kramár et al. 2403.00745, section 3.1.1).
// AtP* computes a pattern for every changed key; here the change follows from sums over all other keys.

/** The pattern that a site of queries or keys acts through; undefined for any other site. */
export function patternOf(model: Network, { tower, within }: SiteParts): SiteParts | undefined {
  const [sublayer, value] = within.split(".");
  return value === "q" || value === "k" ? parseSite(model, `${tower}.${sublayer}.pattern`) : undefined;
}

/**
 * What each query or key, put in by itself, does to the objective through the pattern: [pass, token, head].
 *
 * @param gradient towards the pattern in each of several passes, [pass, head, query, key].
 */
export function changeOfPattern(
  { tower, within }: SiteParts,
  base: Run,
  source: Run,
  layer: number,
  gradient: tf.Tensor,
): tf.Tensor {
  const [sublayer, value] = within.split(".") as ["self" | "cross", "q" | "k"];
  const read = (run: Run, name: "q" | "k") =>
    valueAt(blockOf(run.model, run.activations, tower, layer), `${sublayer}.${name}` as BlockSite);
  const [q, k] = [read(base, "q"), read(base, "k")];
  if (value === "q") {
    const change = tf.sub(attentionPattern(read(source, "q"), k), attentionPattern(q, k));
    return tf.transpose(tf.sum(tf.mul(change, gradient), -1), [0, 2, 1]); // [pass, query, head]
  }
  const scores = attentionScores(q, k);
  const effects = effectsOfKeys(scores, attentionScores(q, read(source, "k")), gradient);
  return tf.transpose(tf.sum(effects, 2), [0, 2, 1]); // [pass, key, head]
}

/** q kᵀ / √headDim: [head, query, key]. */
function attentionScores(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
  const [, , , headDim] = q.shape as [number, number, number, number];
  const byHead = (x: tf.Tensor, order: number[]) => tf.transpose(tf.squeeze(x, [0]), order);
  return tf.matMul(byHead(tf.mul(q, 1 / Math.sqrt(headDim)), [1, 0, 2]), byHead(k, [1, 2, 0]));
}

/**
 * Σ_key gradient · (change of the softmax where one score alone is changed), for each score: (p' - p)(g - ḡ), where p
 * and p' are its own share before and after, and ḡ the mean gradient of the others under their unchanged proportions.
 *
 * @param scores @param changed [head, query, key] @param gradient the same, or a batch of them.
 */
export function effectsOfKeys(scores: tf.Tensor, changed: tf.Tensor, gradient: tf.Tensor): tf.Tensor {
  const largest = tf.max(scores, -1, true);
  const weights = tf.exp(tf.sub(scores, largest));
  // Sums over all other keys, by a product: total minus own would lose all digits where one key has nearly all weight.
  const keys = scores.shape[2] as number;
  const without = tf.sub(1, tf.eye(keys)) as tf.Tensor2D;
  const others = (x: tf.Tensor) => tf.reshape(tf.matMul(tf.reshape(x, [-1, keys]), without), x.shape);
  const rest = tf.maximum(others(weights), 1e-37);
  const share = (own: tf.Tensor) => tf.sigmoid(tf.sub(tf.sub(own, largest), tf.log(rest)));
  const mean = tf.div(others(tf.mul(weights, gradient)), rest);
  return tf.mul(tf.sub(share(changed), share(scores)), tf.sub(gradient, mean));
}
