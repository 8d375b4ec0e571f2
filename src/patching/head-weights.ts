import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { type Network, towerOf, towerSize } from "../model/architecture.js";
import type { Matrix } from "../model/kernels/linear.js";
import type { HeadPlace } from "./head-place.js";
import { checkIndex, checkLayer } from "./run.js";
import { parseSite } from "./sites.js";

/**
 * The weights of one head, for rows x that come after the sublayer's normalisation: q = x Q, k = y K, v = y V, and z O
 * is what it writes; biases are left out. `y` are the rows that it attends to, in cross-attention another tower's. The
 * caller disposes of them.
 */
export interface HeadWeights extends Disposable {
  /** [width, headDim] */
  readonly Q: tf.Tensor2D;
  /** [width of y, headDim], of the key/value head that it shares, where several share one. */
  readonly K: tf.Tensor2D;
  readonly V: tf.Tensor2D;
  /** [headDim, width] */
  readonly O: tf.Tensor2D;
  /** V O, [width of y, width]: what it writes of what it attends to. */
  readonly OV: tf.Tensor2D;
  /** Q Kᵀ, [width, width of y]: x QK yᵀ / √headDim are its scores, where nothing rotates queries and keys. */
  readonly QK: tf.Tensor2D;
}

/**
 * @param site any of the head's, such as its `z`.
 * @throws NoticeError `site` where there is no such head; `options`
 */
export function headWeights(model: Network, site: string, place: HeadPlace): HeadWeights {
  checkShape("headWeights", place, { such: "{ layer: 0, head: 1 }", keys: ["layer", "head"] });
  const { layer, head } = place;
  const { tower, within, perHead } = parseSite(model, site);
  const { heads, keyValueHeads = heads } = towerSize(model, tower);
  if (!perHead) throw new NoticeError("site", `${site} has no heads; give one that has some, such as ${tower}.self.z.`);
  checkLayer(model, tower, layer);
  checkIndex("head", head, heads, `the ${tower} tower`);
  const { query, key, value, output } = towerOf(model, tower).attention(model, layer)[
    within.startsWith("cross.") ? "cross" : "self"
  ]!;
  const shared = Math.floor((head * keyValueHeads) / heads);
  const made = tf.tidy(() => {
    const [Q, K, V] = [
      columns(query, head, heads),
      columns(key, shared, keyValueHeads),
      columns(value, shared, keyValueHeads),
    ];
    const { weight } = output;
    const [all, width] = weight.shape as [number, number];
    const O = tf.slice(weight, [(head * all) / heads, 0], [all / heads, width]) as tf.Tensor2D;
    return { Q, K, V, O, OV: tf.matMul(V, O) as tf.Tensor2D, QK: tf.matMul(Q, tf.transpose(K)) as tf.Tensor2D };
  });
  return { ...made, [Symbol.dispose]: () => tf.dispose(made) };
}

/** A head's columns of [width, head · headDim]. */
function columns({ weight }: Matrix, head: number, heads: number): tf.Tensor2D {
  const [width, all] = weight.shape as [number, number];
  return tf.slice(weight, [0, (head * all) / heads], [width, all / heads]) as tf.Tensor2D;
}
