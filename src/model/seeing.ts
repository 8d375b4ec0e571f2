import * as tf from "@tensorflow/tfjs-core";
import { linearPlace, normPlace, type Place } from "../checkpoint/place.js";
import { cutPatches, type VitBlockWeights } from "./blocks/vit.js";
import type { SeeingConfig } from "./decoder-config.js";
import { type LayerNorm, type Linear, linear, type Matrix, product } from "./kernels/linear.js";

// The towers of SigLIP and CLIP that see a picture for a tower of words: ViTs, which differ in what stands before and
// after the blocks.

/** What SigLIP has learned, as it is used here. */
export interface SeeingWeights<Leaf = tf.Tensor> {
  /** [patch · patch · 3, width], rows ordered y, x, channel. */
  readonly patches: Linear<Leaf>;
  /** [patches, width] */
  readonly positions: Leaf;
  readonly blocks: readonly VitBlockWeights<Leaf>[];
  readonly finalNorm: LayerNorm<Leaf>;
}

/** The first block's input, [batch, tile · patch, width]. @param batch how many passes the tiles are of. */
export function embedPatches(
  weights: SeeingWeights,
  config: SeeingConfig,
  pixels: tf.Tensor,
  batch: number,
): tf.Tensor {
  const rows = linear(cutPatches(pixels, config.patch_size), weights.patches);
  const embedded = tf.add(rows, weights.positions);
  // One picture may serve many texts.
  const passes = pixels.shape[0]! % batch === 0 ? batch : 1;
  return tf.reshape(embedded, [passes, -1, config.hidden_size]);
}

/** CLIP's: [class] first, no bias of the patches, a LayerNorm before the blocks. */
export function embedWithClass(
  weights: { readonly patches: Matrix; readonly classEmbedding: tf.Tensor; readonly positions: tf.Tensor },
  config: SeeingConfig,
  pixels: tf.Tensor,
): tf.Tensor {
  const rows = product(cutPatches(pixels, config.patch_size), weights.patches);
  const classes = tf.tile(tf.reshape(weights.classEmbedding, [1, 1, -1]), [pixels.shape[0]!, 1, 1]);
  return tf.add(tf.concat([classes, rows], 1), weights.positions);
}

/** Patches row by row as "row,column"; of several tiles with the tile's number before. */
export function gridNames({ image_size, patch_size }: SeeingConfig, tiles: number): string[] {
  const side = image_size / patch_size;
  const place = (i: number) => `${Math.floor(i / side)},${i % side}`;
  return Array.from({ length: tiles * side ** 2 }, (_, i) => {
    const within = place(i % side ** 2);
    return tiles === 1 ? within : `${Math.floor(i / side ** 2)}:${within}`;
  });
}

/** Where a checkpoint keeps SigLIP. @param root such as `model.vision_model`. */
export function seeingPlaces(root: string, config: SeeingConfig): SeeingWeights<Place> {
  const { hidden_size: width, patch_size: patch } = config;
  const embeddings = `${root}.embeddings`;
  return {
    patches: {
      weight: { name: `${embeddings}.patch_embedding.weight`, shape: [width, 3, patch, patch], layout: "patches" },
      bias: { name: `${embeddings}.patch_embedding.bias`, shape: [width] },
    },
    positions: { name: `${embeddings}.position_embedding.weight`, shape: [(config.image_size / patch) ** 2, width] },
    blocks: blockPlaces(root, config, config.num_hidden_layers),
    finalNorm: normPlace(`${root}.post_layernorm`, width),
  };
}

/** The first `layers` blocks of CLIP or SigLIP. */
export function blockPlaces(root: string, config: SeeingConfig, layers: number): VitBlockWeights<Place>[] {
  const { hidden_size: width, intermediate_size: mlpWidth } = config;
  return Array.from({ length: layers }, (_, layer) => {
    const at = `${root}.encoder.layers.${layer}`;
    const projection = (name: string) => linearPlace(`${at}.self_attn.${name}`, width, width);
    return {
      selfNorm: normPlace(`${at}.layer_norm1`, width),
      self: {
        query: projection("q_proj"),
        key: projection("k_proj"),
        value: projection("v_proj"),
        output: projection("out_proj"),
      },
      mlpNorm: normPlace(`${at}.layer_norm2`, width),
      mlp: { in: linearPlace(`${at}.mlp.fc1`, width, mlpWidth), out: linearPlace(`${at}.mlp.fc2`, mlpWidth, width) },
    };
  });
}
