import * as tf from "@tensorflow/tfjs-core";
import { linearPlace, normPlace, type Place } from "../../checkpoint/place.js";
import { imageTokens, type VisionConfig } from "../blip-config.js";
import type { Activation } from "../kernels/activations.js";
import { type AttentionValue, type AttentionWeights, attention } from "../kernels/attention.js";
import { type LayerNorm, type Linear, layerNorm, linear } from "../kernels/linear.js";
import { swapped } from "../kernels/swapped.js";
import { tiledAttention } from "../kernels/tiled.js";
import { define, type Values } from "../kernels/values.js";
import { addedStream, type Block, type BlockGiven, givenTo, MLP, type MlpWeights, mlp, SELF } from "./block.js";

export interface VitBlockWeights<Leaf = tf.Tensor> {
  readonly selfNorm: LayerNorm<Leaf>;
  readonly self: AttentionWeights<Leaf>;
  readonly mlpNorm: LayerNorm<Leaf>;
  readonly mlp: MlpWeights<Leaf>;
}

export interface VitWeights<Leaf = tf.Tensor> {
  /** The patch convolution as a product: [patchSize · patchSize · 3, width], rows ordered y, x, channel. */
  readonly patches: Linear<Leaf>;
  /** [1, 1, width] */
  readonly classEmbedding: Leaf;
  /** [1, 1 + patches, width] */
  readonly positions: Leaf;
  readonly blocks: readonly VitBlockWeights<Leaf>[];
  readonly finalNorm: LayerNorm<Leaf>;
}

/** Pixels [batch, height, width, 3], normalised -> the first block's input [batch, 1 + patches, width]; [CLS] first. */
export function embedPixels(weights: VitWeights, { patch_size: size }: VisionConfig, pixels: tf.Tensor): tf.Tensor {
  const classes = tf.tile(weights.classEmbedding, [pixels.shape[0]!, 1, 1]); // [batch, 1, width]
  return tf.add(tf.concat([classes, linear(cutPatches(pixels, size), weights.patches)], 1), weights.positions);
}

/** Pixels [batch, height, width, 3] -> rows of patches [batch, patch, patch · patch · 3]. */
export function cutPatches(pixels: tf.Tensor, size: number): tf.Tensor {
  const [batch, height, width] = pixels.shape as [number, number, number];
  const ordered = swapped(pixels, [(batch * height) / size, size, width / size, size * 3]);
  return tf.reshape(ordered, [batch, -1, size * size * 3]);
}

/**
 * What else a ViT may be: its activation, GELU by default, and how many tokens a tile of the picture has, where it is
 * cut into several.
 */
interface VitKind {
  readonly activate?: Activation;
  readonly tile?: number;
}

/** A block of the ViT: pre-LN, so LayerNorm stands before each sublayer and the stream is a plain sum. */
export function vitBlock(
  weights: VitBlockWeights,
  config: Pick<VisionConfig, "layer_norm_eps" | "num_attention_heads">,
  x: tf.Tensor,
  given: BlockGiven = {},
  { activate, tile }: VitKind = {},
): Block {
  const norm = (rows: tf.Tensor, by: LayerNorm) => layerNorm(rows, by, config.layer_norm_eps);
  const normed: Values<"self" | "mlp"> = define({
    self: () => norm(stream.resid_pre, weights.selfNorm),
    mlp: () => norm(stream.resid_cross, weights.mlpNorm),
  });
  const options = { heads: config.num_attention_heads, given: givenTo<AttentionValue>(given, "self") };
  const rows = () => normed.self;
  const self =
    tile === undefined || tile === x.shape[1]
      ? attention(weights.self, rows, rows, options)
      : tiledAttention(weights.self, rows, { ...options, tile });
  const feed = mlp(weights.mlp, () => normed.mlp, givenTo(given, "mlp"), activate);
  const stream: Block["stream"] = addedStream(x, { self, mlp: feed }, given);
  return { stream, self, mlp: feed };
}

/** The last block's output -> the picture as others see it, [batch, 1 + patches, width]. */
export function finishImage(weights: VitWeights, config: VisionConfig, last: tf.Tensor): tf.Tensor {
  return layerNorm(last, weights.finalNorm, config.layer_norm_eps);
}

/** What a block computes, in that order. */
export const VIT_SITES = ["resid_pre", ...SELF, "resid_mid", ...MLP, "resid_post"] as const;

/** [CLS], then the patches row by row as "row,column". */
export function vitNames({ image_size, patch_size }: VisionConfig): string[] {
  const side = image_size / patch_size;
  return ["[CLS]", ...Array.from({ length: side ** 2 }, (_, i) => `${Math.floor(i / side)},${i % side}`)];
}

/** Where a BLIP checkpoint keeps its ViT. */
export function vitPlaces(config: VisionConfig): VitWeights<Place> {
  const { hidden_size: width, intermediate_size: mlpWidth, patch_size: patch } = config;
  const embeddings = `vision_model.embeddings`;
  return {
    patches: {
      weight: { name: `${embeddings}.patch_embedding.weight`, shape: [width, 3, patch, patch], layout: "patches" },
      bias: { name: `${embeddings}.patch_embedding.bias`, shape: [width] },
    },
    classEmbedding: { name: `${embeddings}.class_embedding`, shape: [1, 1, width] },
    positions: { name: `${embeddings}.position_embedding`, shape: [1, imageTokens(config), width] },
    blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
      const at = `vision_model.encoder.layers.${layer}`;
      const qkv = (third: 0 | 1 | 2): Linear<Place> => ({
        weight: { name: `${at}.self_attn.qkv.weight`, shape: [3 * width, width], layout: "transposed", third },
        bias: { name: `${at}.self_attn.qkv.bias`, shape: [3 * width], third },
      });
      return {
        selfNorm: normPlace(`${at}.layer_norm1`, width),
        self: {
          query: qkv(0),
          key: qkv(1),
          value: qkv(2),
          output: linearPlace(`${at}.self_attn.projection`, width, width),
        },
        mlpNorm: normPlace(`${at}.layer_norm2`, width),
        mlp: {
          in: linearPlace(`${at}.mlp.fc1`, width, mlpWidth),
          out: linearPlace(`${at}.mlp.fc2`, mlpWidth, width),
        },
      };
    }),
    finalNorm: normPlace(`vision_model.post_layernorm`, width),
  };
}
