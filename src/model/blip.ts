import * as tf from "@tensorflow/tfjs-core";
import { type KeysValues, keysValues } from "./attention.js";
import { type Block, type BlockFunction, type BlockGiven, type TowerGiven, walk } from "./block.js";
import type { BlipConfig } from "./config.js";
import { decoderBlocks, readLogits } from "./decoder.js";
import type { BlipWeights } from "./places.js";
import { embedTokens, textBlocks } from "./text.js";
import { embedPixels, finishImage, visionBlocks } from "./vision.js";

/** The three towers of BLIP for question answering, in the order in which the data passes through them. */
export const TOWERS = ["vision", "text", "decoder"] as const;
/** One of the three. */
export type Tower = (typeof TOWERS)[number];

/** A BLIP for question answering as data: what it is and what it has learned. */
export interface BlipModel {
  readonly config: BlipConfig;
  readonly weights: BlipWeights;
  /** Bytes left for the values of passes, where that is known. */
  readonly memory?: number;
}

/** What the vision tower makes of a picture, enough to continue from any of its layers. */
export interface ImageActivations {
  /** The input of every block, then the output of the last: [layers + 1] of [batch, 1 + patches, width]. */
  readonly vision: readonly tf.Tensor[];
  /** Per layer of the text encoder: the image as its cross-attention sees it. */
  readonly imageKeysValues: readonly KeysValues[];
}

/** A whole pass: the stream of every tower, and the answer. */
export interface Activations extends ImageActivations {
  /** [layers + 1] of [batch, token, width] */
  readonly text: readonly tf.Tensor[];
  /** [layers + 1] of [batch, decoder token, width] */
  readonly decoder: readonly tf.Tensor[];
  /** After the decoder's last token, [batch, vocabulary]. */
  readonly logits: tf.Tensor2D;
}

/** Replacements by tower and layer. */
export type Patches = { readonly [tower in Tower]?: TowerGiven };

/** Pixels [batch, height, width, 3], normalised. Call inside a `tf.tidy`. */
export function seeImage(model: BlipModel, pixels: tf.Tensor): ImageActivations {
  return seeFrom(model, embedPixels(model.weights.vision, model.config.vision, pixels));
}

/** @param x the first block's input [batch, 1 + patches, width]. Call inside a `tf.tidy`. */
export function seeFrom(model: BlipModel, x: tf.Tensor): ImageActivations {
  const vision = walk(visionBlocks(model.weights.vision, model.config.vision), x);
  return { vision, imageKeysValues: imageKeysValues(model, vision.at(-1)!) };
}

function imageKeysValues({ config, weights }: BlipModel, last: tf.Tensor): KeysValues[] {
  const image = finishImage(weights.vision, config.vision, last);
  return weights.text.blocks.map(({ cross }) => keysValues(cross, image, config.text.num_attention_heads));
}

/**
 * The question read before the image, and the answer begun with [DEC]. Call inside a `tf.tidy`.
 *
 * @param ids the question with [CLS] and [SEP], [batch, token], int32. One image may serve many questions.
 */
export function answerQuestion(model: BlipModel, image: ImageActivations, ids: tf.Tensor): Activations {
  const { config, weights } = model;
  const question = embedTokens(weights.text, config.text, ids);
  const start = tf.fill([ids.shape[0] as number, 1], config.text.bos_token_id, "int32");
  return answerFrom(model, image, question, embedTokens(weights.decoder, config.text, start));
}

/** @param question @param answer the inputs of the two towers' first blocks, [batch, token, width]. Call inside a `tf.tidy`. */
export function answerFrom(
  model: BlipModel,
  image: ImageActivations,
  question: tf.Tensor,
  answer: tf.Tensor,
): Activations {
  const { config, weights } = model;
  const text = walk(towerBlocks(model, "text", { ...image, text: [question] }), question);
  const decoder = walk(towerBlocks(model, "decoder", { ...image, text }), answer);
  return { ...image, text, decoder, logits: readLogits(weights.decoder.readout, config.text, decoder.at(-1)!) };
}

/**
 * The logits [batch, vocabulary] of a pass patched in any number of places, which continues `base` from the first of
 * them: nothing before that layer is computed again. Call inside a `tf.tidy`. Replacements may have a larger batch than
 * `base`; the rows then share what `base` knows.
 */
export function resume(model: BlipModel, base: Activations, patches: Patches): tf.Tensor2D {
  const { config, weights } = model;
  let at: Activations = base;
  let changed = false;
  for (const tower of TOWERS) {
    const given = patches[tower];
    if (!changed && !given?.size) continue;
    const from = changed ? 0 : Math.min(...given!.keys());
    const stream = walk(towerBlocks(model, tower, at), base[tower][from]!, from, given);
    at = { ...at, [tower]: stream };
    if (tower === "vision") at = { ...at, imageKeysValues: imageKeysValues(model, stream.at(-1)!) };
    changed = true;
  }
  return changed ? readLogits(weights.decoder.readout, config.text, at.decoder.at(-1)!) : base.logits;
}

/** The values of one layer of a pass. They compute themselves when read: read them inside a `tf.tidy`. */
export function blockOf(model: BlipModel, run: Activations, tower: Tower, layer: number, given?: BlockGiven): Block {
  return towerBlocks(model, tower, run)[layer]!(run[tower][layer]!, given);
}

/** The layers of a tower over what they attend to. */
export function towerBlocks(
  { config, weights }: BlipModel,
  tower: Tower,
  { imageKeysValues, text }: Pick<Activations, "imageKeysValues" | "text">,
): BlockFunction[] {
  if (tower === "vision") return visionBlocks(weights.vision, config.vision);
  if (tower === "text") return textBlocks(weights.text, config.text, imageKeysValues, { causal: false });
  return decoderBlocks(weights.decoder, config.text, text.at(-1)!);
}
