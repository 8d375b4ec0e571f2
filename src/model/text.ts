import * as tf from "@tensorflow/tfjs-core";
import { type AttentionWeights, attention, type KeysValues } from "./attention.js";
import {
  type Block,
  type BlockFunction,
  type BlockGiven,
  givenTo,
  type MlpWeights,
  mlp,
  type StreamValue,
} from "./block.js";
import type { TextConfig } from "./config.js";
import { type LayerNorm, layerNorm } from "./linear.js";
import { define, type Values } from "./values.js";

export interface TextBlockWeights<Leaf = tf.Tensor> {
  readonly self: AttentionWeights<Leaf>;
  readonly selfNorm: LayerNorm<Leaf>;
  readonly cross: AttentionWeights<Leaf>;
  readonly crossNorm: LayerNorm<Leaf>;
  readonly mlp: MlpWeights<Leaf>;
  readonly mlpNorm: LayerNorm<Leaf>;
}

/** Of the text encoder, and of the decoder below its readout. */
export interface TextWeights<Leaf = tf.Tensor> {
  /** [vocabulary, width] */
  readonly words: Leaf;
  /** [maxTokens, width] */
  readonly positions: Leaf;
  readonly embeddingNorm: LayerNorm<Leaf>;
  readonly blocks: readonly TextBlockWeights<Leaf>[];
}

/** Ids [batch, token], int32 -> the first block's input [batch, token, width]. */
export function embedTokens(weights: TextWeights, config: TextConfig, ids: tf.Tensor): tf.Tensor {
  const [batch, tokens] = ids.shape as [number, number];
  const words = tf.gather(weights.words, tf.reshape(ids, [-1])); // [batch · token, width]
  const positions = tf.slice(weights.positions, [0, 0], [tokens, config.hidden_size]);
  const sum = tf.add(tf.reshape(words, [batch, tokens, config.hidden_size]), positions);
  return layerNorm(sum, weights.embeddingNorm, config.layer_norm_eps);
}

export interface TextBlocksOptions {
  /** The decoder's self-attention sees only earlier tokens; the encoder's sees all. */
  readonly causal: boolean;
}

/**
 * BERT's blocks with cross-attention, post-LN: LayerNorm stands after each residual sum, and `resid_*` is taken after it.
 *
 * @param contexts per layer, what its cross-attention attends to: rows [batch, token, width], or keys and values.
 */
export function textBlocks(
  weights: TextWeights,
  config: TextConfig,
  contexts: readonly (tf.Tensor | KeysValues)[],
  { causal }: TextBlocksOptions,
): BlockFunction[] {
  return weights.blocks.map(
    (block, layer) => (x, given) => textBlock(block, config, x, contexts[layer]!, causal, given),
  );
}

function textBlock(
  weights: TextBlockWeights,
  config: TextConfig,
  x: tf.Tensor,
  context: tf.Tensor | KeysValues,
  causal: boolean,
  given: BlockGiven = {},
): Block {
  const heads = config.num_attention_heads;
  const addNorm = (x: tf.Tensor, out: tf.Tensor, by: LayerNorm) => layerNorm(tf.add(x, out), by, config.layer_norm_eps);
  const self = attention(
    weights.self,
    () => stream.resid_pre,
    () => stream.resid_pre,
    { heads, causal, given: givenTo(given, "self") },
  );
  const cross = attention(weights.cross, () => stream.resid_mid, "k" in context ? context : () => context, {
    heads,
    given: givenTo(given, "cross"),
  });
  const feed = mlp(weights.mlp, () => stream.resid_cross, givenTo(given, "mlp"));
  const stream: Values<StreamValue> = define<StreamValue>(
    {
      resid_pre: () => x,
      resid_mid: ({ resid_pre }) => addNorm(resid_pre, self.out, weights.selfNorm),
      resid_cross: ({ resid_mid }) => addNorm(resid_mid, cross.out, weights.crossNorm),
      resid_post: ({ resid_cross }) => addNorm(resid_cross, feed.out, weights.mlpNorm),
    },
    given,
  );
  return { stream, self, cross, mlp: feed };
}
