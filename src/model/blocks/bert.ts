import * as tf from "@tensorflow/tfjs-core";
import { linearPlace, normPlace, type Place } from "../../checkpoint/place.js";
import type { Context } from "../architecture.js";
import type { TextConfig } from "../blip-config.js";
import { type AttentionWeights, attention } from "../kernels/attention.js";
import { type LayerNorm, layerNorm, normOfSum } from "../kernels/linear.js";
import { define, type Values } from "../kernels/values.js";
import { type Beside, type Block, CROSS, givenTo, MLP, type MlpWeights, mlp, SELF, type StreamValue } from "./block.js";

export interface BertBlockWeights<Leaf = tf.Tensor> {
  readonly self: AttentionWeights<Leaf>;
  readonly selfNorm: LayerNorm<Leaf>;
  readonly cross: AttentionWeights<Leaf>;
  readonly crossNorm: LayerNorm<Leaf>;
  readonly mlp: MlpWeights<Leaf>;
  readonly mlpNorm: LayerNorm<Leaf>;
}

/** Of the text encoder, and of the decoder below its readout. */
export interface BertWeights<Leaf = tf.Tensor> {
  /** [vocabulary, width] */
  readonly words: Leaf;
  /** [maxTokens, width] */
  readonly positions: Leaf;
  readonly embeddingNorm: LayerNorm<Leaf>;
  readonly blocks: readonly BertBlockWeights<Leaf>[];
}

/** Ids [batch, token], int32 -> the first block's input [batch, token, width]. */
export function embedTokens(weights: BertWeights, config: TextConfig, ids: tf.Tensor): tf.Tensor {
  const [batch, tokens] = ids.shape as [number, number];
  const sum = tf.tidy(() => {
    const words = tf.gather(weights.words, tf.reshape(ids, [-1])); // [batch · token, width]
    const positions = tf.slice(weights.positions, [0, 0], [tokens, config.hidden_size]);
    return tf.add(tf.reshape(words, [batch, tokens, config.hidden_size]), positions);
  });
  return layerNorm(sum, weights.embeddingNorm, config.layer_norm_eps);
}

/** What a block computes, in that order. */
export const BERT_SITES = ["resid_pre", ...SELF, "resid_mid", ...CROSS, "resid_cross", ...MLP, "resid_post"] as const;

/** What a block sees beside its input. */
interface BertBlockOptions extends Beside {
  /**
   * What cross-attention attends to: rows [batch, token, width], or keys and values. Without it there is no
   * cross-attention.
   */
  readonly context?: Context;
  /** Self-attention sees only earlier tokens. */
  readonly causal: boolean;
}

/**
 * BERT's block with cross-attention, post-LN: LayerNorm stands after each residual sum, and `resid_*` is taken after
 * it.
 */
export function bertBlock(
  weights: BertBlockWeights,
  config: TextConfig,
  x: tf.Tensor,
  { context, causal, past, given = {} }: BertBlockOptions,
): Block {
  const heads = config.num_attention_heads;
  const addNorm = (x: tf.Tensor, out: tf.Tensor, by: LayerNorm) => normOfSum(x, out, by, config.layer_norm_eps);
  const self = attention(
    weights.self,
    () => stream.resid_pre,
    () => stream.resid_pre,
    { heads, causal, past, given: givenTo(given, "self") },
  );
  const cross =
    context &&
    attention(weights.cross, () => stream.resid_mid, "k" in context ? context : () => context, {
      heads,
      given: givenTo(given, "cross"),
    });
  const feed = mlp(weights.mlp, () => stream.resid_cross, givenTo(given, "mlp"));
  const stream: Values<StreamValue> = define<StreamValue>(
    {
      resid_pre: () => x,
      resid_mid: ({ resid_pre }) => addNorm(resid_pre, self.out, weights.selfNorm),
      resid_cross: ({ resid_mid }) => (cross ? addNorm(resid_mid, cross.out, weights.crossNorm) : resid_mid),
      resid_post: ({ resid_cross }) => addNorm(resid_cross, feed.out, weights.mlpNorm),
    },
    given,
  );
  return { stream, self, cross, mlp: feed };
}

/**
 * Where a BLIP checkpoint keeps one. @param root such as `text_encoder`. @param context the width of what is attended
 * to.
 */
export function bertPlaces(root: string, config: TextConfig, context: number): BertWeights<Place> {
  const { hidden_size: width, intermediate_size: mlpWidth, vocab_size, max_position_embeddings } = config;
  const attention = (name: string, from: number): AttentionWeights<Place> => ({
    query: linearPlace(`${name}.self.query`, width, width),
    key: linearPlace(`${name}.self.key`, from, width),
    value: linearPlace(`${name}.self.value`, from, width),
    output: linearPlace(`${name}.output.dense`, width, width),
  });
  return {
    words: { name: `${root}.embeddings.word_embeddings.weight`, shape: [vocab_size, width] },
    positions: { name: `${root}.embeddings.position_embeddings.weight`, shape: [max_position_embeddings, width] },
    embeddingNorm: normPlace(`${root}.embeddings.LayerNorm`, width),
    blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
      const at = `${root}.encoder.layer.${layer}`;
      return {
        self: attention(`${at}.attention`, width),
        selfNorm: normPlace(`${at}.attention.output.LayerNorm`, width),
        cross: attention(`${at}.crossattention`, context),
        crossNorm: normPlace(`${at}.crossattention.output.LayerNorm`, width),
        mlp: {
          in: linearPlace(`${at}.intermediate.dense`, width, mlpWidth),
          out: linearPlace(`${at}.output.dense`, mlpWidth, width),
        },
        mlpNorm: normPlace(`${at}.output.LayerNorm`, width),
      };
    }),
  };
}
