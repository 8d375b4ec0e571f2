import * as tf from "@tensorflow/tfjs-core";
import {
  type AttentionOptions,
  type AttentionValue,
  type AttentionWeights,
  attend,
  attentionPattern,
  swapGroups,
} from "./attention.js";
import { intoHeads, outOfHeads } from "./linear.js";
import { define, type Values } from "./values.js";

/** How many tokens each tile has: those of one attend to each other and to no other's. */
export interface TiledOptions extends Pick<AttentionOptions, "heads" | "given"> {
  readonly tile: number;
}

/**
 * Attention within the tiles of a picture, which stand one after the other in the stream. Values as of `attention`, but
 * `pattern` is [batch, head, query of all tiles, key of its tile].
 *
 * @param x [batch, tile · token, width]
 */
export function tiledAttention(
  weights: AttentionWeights,
  x: () => tf.Tensor,
  { heads, tile, given }: TiledOptions,
): Values<AttentionValue> {
  return define(
    {
      q: () => intoHeads(x(), weights.query, heads),
      k: () => intoHeads(x(), weights.key, heads),
      v: () => intoHeads(x(), weights.value, heads),
      pattern: ({ q, k }) => {
        const pattern = attentionPattern(byTile(q, tile), byTile(k, tile)); // [batch · tile, head, query, key]
        const tiles = k.shape[1]! / tile;
        const split = tf.reshape(pattern, [pattern.shape[0]! / tiles, tiles, heads, tile, tile]);
        return tf.reshape(swapGroups(split), [-1, heads, tiles * tile, tile]);
      },
      z: (values) => {
        const { v } = values;
        const tiles = v.shape[1]! / tile;
        if (!given?.pattern && tiles > 1) return attendByTile(values, tiles);
        const split = swapGroups(tf.reshape(values.pattern, [-1, heads, tiles, tile, tile]));
        const z = attend(tf.reshape(split, [-1, heads, tile, tile]), byTile(v, tile));
        return tf.reshape(z, [-1, tiles * tile, heads, v.shape[3]!]);
      },
      out: ({ z }) => outOfHeads(z, weights.output),
    },
    given,
  );
}

/**
 * One tile after the other, since the patterns of all would be the largest value of a pass: [batch, tile · token, head,
 * headDim].
 */
function attendByTile({ q, k, v }: Values<AttentionValue>, tiles: number): tf.Tensor {
  const [queries, keys, values] = [q, k, v].map((all) => tf.split(all, tiles, 1)) as [
    tf.Tensor[],
    tf.Tensor[],
    tf.Tensor[],
  ];
  const parts = queries.map((query, at) => tf.tidy(() => attend(attentionPattern(query, keys[at]!), values[at]!)));
  return tf.concat(parts, 1);
}

/** [batch, tile · token, head, headDim] -> [batch · tile, token, head, headDim] */
function byTile(values: tf.Tensor, tile: number): tf.Tensor {
  const [batch, tokens, heads, headDim] = values.shape as [number, number, number, number];
  return tf.reshape(values, [(batch * tokens) / tile, tile, heads, headDim]);
}
