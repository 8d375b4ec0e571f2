import * as tf from "@tensorflow/tfjs-core";
import { walk } from "./block.js";
import type { TextConfig } from "./config.js";
import { gelu, type LayerNorm, type Linear, layerNorm, linear } from "./linear.js";
import { embedTokens, type TextWeights, textBlocks } from "./text.js";

/** From the decoder's stream to the vocabulary. */
export interface ReadoutWeights<Leaf = tf.Tensor> {
  readonly transform: Linear<Leaf>;
  readonly norm: LayerNorm<Leaf>;
  /** [width, vocabulary] and [vocabulary] */
  readonly vocabulary: Linear<Leaf>;
}

export interface DecoderWeights<Leaf = tf.Tensor> extends TextWeights<Leaf> {
  readonly readout: ReadoutWeights<Leaf>;
}

/** The decoder's blocks over the text encoder's output `hidden` [batch, token, width]. */
export function decoderBlocks(weights: DecoderWeights, config: TextConfig, hidden: tf.Tensor) {
  return textBlocks(
    weights,
    config,
    weights.blocks.map(() => hidden),
    { causal: true },
  );
}

/** The decoder's last stream [batch, token, width] -> logits after its last token, [batch, vocabulary]. */
export function readLogits(weights: ReadoutWeights, config: TextConfig, last: tf.Tensor): tf.Tensor2D {
  const [batch, tokens, width] = last.shape as [number, number, number];
  const rows = tf.reshape(tf.slice(last, [0, tokens - 1, 0], [batch, 1, width]), [batch, width]);
  const transformed = layerNorm(gelu(linear(rows, weights.transform)), weights.norm, config.layer_norm_eps);
  return linear(transformed, weights.vocabulary) as tf.Tensor2D;
}

/** As many tokens as `transformers` generates by default: 20, [DEC] among them. */
const MAX_NEW_TOKENS = 19;

/**
 * Greedy answers: from [DEC] on the likeliest token each time, until [SEP] or the last position that the model has.
 *
 * @param hidden the text encoder's output [batch, token, width].
 * @returns per row the generated ids, without [DEC] and [SEP].
 */
export async function generate(weights: DecoderWeights, config: TextConfig, hidden: tf.Tensor): Promise<number[][]> {
  const batch = hidden.shape[0] as number;
  const sequences = Array.from({ length: batch }, () => [config.bos_token_id]);
  const ended = (ids: number[]) => ids.length > 1 && ids.at(-1) === config.sep_token_id;
  const steps = Math.min(MAX_NEW_TOKENS, config.max_position_embeddings);
  for (let step = 0; step < steps && !sequences.every(ended); step++) {
    const likeliest = tf.tidy(() => {
      const ids = tf.tensor2d(sequences, undefined, "int32");
      const stream = walk(decoderBlocks(weights, config, hidden), embedTokens(weights, config, ids));
      return tf.argMax(readLogits(weights.readout, config, stream.at(-1)!), -1);
    });
    const next = await likeliest.data();
    likeliest.dispose();
    // An ended row goes on with [SEP], so that rows stay equally long.
    sequences.forEach((ids, row) => {
      ids.push(ended(ids) ? config.sep_token_id : next[row]!);
    });
  }
  return sequences.map((ids) => {
    const end = ids.indexOf(config.sep_token_id, 1);
    return ids.slice(1, end < 0 ? undefined : end);
  });
}
