import * as tf from "@tensorflow/tfjs-core";
import { type AttentionWeights, attention } from "./attention.js";
import {
  type Block,
  type BlockFunction,
  type BlockGiven,
  givenTo,
  type MlpWeights,
  mlp,
  type StreamValue,
} from "./block.js";
import type { VisionConfig } from "./config.js";
import { type LayerNorm, type Linear, layerNorm, linear } from "./linear.js";
import { define, type Values } from "./values.js";

export interface VisionBlockWeights<Leaf = tf.Tensor> {
  readonly selfNorm: LayerNorm<Leaf>;
  readonly self: AttentionWeights<Leaf>;
  readonly mlpNorm: LayerNorm<Leaf>;
  readonly mlp: MlpWeights<Leaf>;
}

export interface VisionWeights<Leaf = tf.Tensor> {
  /** The patch convolution as a product: [patchSize · patchSize · 3, width], rows ordered y, x, channel. */
  readonly patches: Linear<Leaf>;
  /** [1, 1, width] */
  readonly classEmbedding: Leaf;
  /** [1, 1 + patches, width] */
  readonly positions: Leaf;
  readonly blocks: readonly VisionBlockWeights<Leaf>[];
  readonly finalNorm: LayerNorm<Leaf>;
}

/** Pixels [batch, height, width, 3], normalised -> the first block's input [batch, 1 + patches, width]; [CLS] first. */
export function embedPixels(weights: VisionWeights, { patch_size: size }: VisionConfig, pixels: tf.Tensor): tf.Tensor {
  const [batch, height, width] = pixels.shape as [number, number, number];
  const grid = tf.reshape(pixels, [batch, height / size, size, width / size, size, 3]);
  const patches = tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4, 5]), [batch, -1, size * size * 3]);
  const classes = tf.tile(weights.classEmbedding, [batch, 1, 1]); // [batch, 1, width]
  return tf.add(tf.concat([classes, linear(patches, weights.patches)], 1), weights.positions);
}

/** The ViT's blocks: pre-LN, so LayerNorm stands before each sublayer and the stream is a plain sum. */
export function visionBlocks(weights: VisionWeights, config: VisionConfig): BlockFunction[] {
  return weights.blocks.map((block) => (x, given) => visionBlock(block, config, x, given));
}

function visionBlock(weights: VisionBlockWeights, config: VisionConfig, x: tf.Tensor, given: BlockGiven = {}): Block {
  const norm = (rows: tf.Tensor, by: LayerNorm) => layerNorm(rows, by, config.layer_norm_eps);
  const normed: Values<"self" | "mlp"> = define({
    self: () => norm(stream.resid_pre, weights.selfNorm),
    mlp: () => norm(stream.resid_cross, weights.mlpNorm),
  });
  const self = attention(
    weights.self,
    () => normed.self,
    () => normed.self,
    { heads: config.num_attention_heads, given: givenTo(given, "self") },
  );
  const feed = mlp(weights.mlp, () => normed.mlp, givenTo(given, "mlp"));
  const stream: Block["stream"] = define<StreamValue>(
    {
      resid_pre: () => x,
      resid_mid: ({ resid_pre }) => tf.add(resid_pre, self.out),
      resid_cross: ({ resid_mid }) => resid_mid,
      resid_post: ({ resid_cross }) => tf.add(resid_cross, feed.out),
    },
    given,
  );
  return { stream, self, mlp: feed };
}

/** The last block's output -> what the text encoder attends to, [batch, 1 + patches, width]. */
export function finishImage(weights: VisionWeights, config: VisionConfig, last: tf.Tensor): tf.Tensor {
  return layerNorm(last, weights.finalNorm, config.layer_norm_eps);
}
