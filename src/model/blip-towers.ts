import type * as tf from "@tensorflow/tfjs-core";
import { type Learned, sizeOf, type Tower } from "./architecture.js";
import type { BlipConfig } from "./blip-config.js";
import { BERT_SITES, type BertWeights, bertBlock, embedTokens } from "./blocks/bert.js";
import { embedPixels, finishImage, VIT_SITES, type VitWeights, vitBlock, vitNames } from "./blocks/vit.js";

// What the members of BLIP's family share: a ViT that sees the picture, and a BERT that reads a text and attends to it
// in every layer.

/** What the family takes in. */
export const intake = {
  image: ({ vision }: BlipConfig) => ({ side: vision.image_size, patch: vision.patch_size }),
  maxTokens: ({ text }: BlipConfig) => text.max_position_embeddings,
  vocabulary: ({ text }: BlipConfig) => text.vocab_size,
};

/** Buffers of positions, which hold nothing learned. */
export const ignored = /(^|\.)position_ids$/;

/** How a tower of words sees the picture. */
export const attendsVision = <Name extends string>(name: Name) => ({
  tower: "vision" as const,
  rows: ({ config, weights }: Learned<BlipConfig, Seeing<Name>>, last: tf.Tensor) =>
    finishImage(weights.vision, config.vision, last),
  projection: ({ weights }: Learned<BlipConfig, Seeing<Name>>, layer: number) => weights[name].blocks[layer]!.cross,
});

type Seeing<Name extends string> = { readonly vision: VitWeights } & { readonly [name in Name]: BertWeights };

export const vision = {
  tokens: "image",
  causal: false,
  sites: VIT_SITES,
  size: ({ vision }) => sizeOf(vision),
  names: ({ vision }) => vitNames(vision),
  embed: ({ config, weights }, { pixels }) => embedPixels(weights.vision, config.vision, pixels!),
  block: ({ config, weights }, layer, x, { given }) => vitBlock(weights.vision.blocks[layer]!, config.vision, x, given),
  attention: ({ weights }, layer) => weights.vision.blocks[layer]!,
} as const satisfies Tower<BlipConfig, { readonly vision: VitWeights }>;

export const text = {
  tokens: "question",
  causal: false,
  sites: BERT_SITES,
  attends: attendsVision("text"),
  size: ({ text }) => sizeOf(text),
  names: () => [],
  embed: ({ config, weights }, { ids }) => embedTokens(weights.text, config.text, ids),
  block: ({ config, weights }, layer, x, { context, given }) =>
    bertBlock(weights.text.blocks[layer]!, config.text, x, { context: context!, causal: false, given }),
  attention: ({ weights }, layer) => weights.text.blocks[layer]!,
} as const satisfies Tower<BlipConfig, { readonly vision: VitWeights; readonly text: BertWeights }>;
