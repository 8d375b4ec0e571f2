import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { parseJson, shown } from "../base/json.js";
import { linearPlace, type Place } from "../checkpoint/place.js";
import type { Architecture, Learned } from "./architecture.js";
import { type BlipConfig, parseConfig } from "./blip-config.js";
import { ignored, intake, text, vision } from "./blip-towers.js";
import { type BertWeights, bertBlock, bertPlaces, embedTokens } from "./blocks/bert.js";
import { walk } from "./blocks/block.js";
import { finishImage, type VitWeights, vitPlaces } from "./blocks/vit.js";
import { type Linear, linear } from "./kernels/linear.js";

// BLIP for image-text matching (Hugging Face `BlipForImageTextRetrieval`): a ViT sees the picture; a BERT reads a
// sentence, attends to the picture in every layer, and says at [CLS] whether the two match. The picture may be wider
// than the text.

/** Everything that it has learned. */
export interface BlipItmWeights<Leaf = tf.Tensor> {
  readonly vision: VitWeights<Leaf>;
  readonly text: BertWeights<Leaf>;
  /** [width, 2]: no match, match. */
  readonly match: Linear<Leaf>;
  /** To the space in which pictures and sentences are compared without attention, [width, projection]. */
  readonly projections: { readonly vision: Linear<Leaf>; readonly text: Linear<Leaf> };
}

/** What its `config.json` says. */
export interface BlipItmConfig extends BlipConfig {
  /** Width of the space in which pictures and sentences are compared. */
  readonly projection: number;
}

type Model = Learned<BlipItmConfig, BlipItmWeights>;

export const blipItm = {
  name: "blip-itm",
  checkpoint: {
    className: "BlipForImageTextRetrieval",
    config,
    places,
    ignored,
    aliases: [],
  },
  intake,
  towers: { vision, text },
  readout: {
    tower: "text",
    token: "first",
    classes: ["no match", "match"],
    choices: () => 2,
    logits: readMatch,
    async say(model, { text }) {
      const likeliest = tf.tidy(() => tf.argMax(readMatch(model, text!), -1));
      const ids = await likeliest.data();
      likeliest.dispose();
      return Array.from(ids, (id) => [id]);
    },
    similarity: compare,
  },
} as const satisfies Architecture<BlipItmConfig, BlipItmWeights>;

function config(json: string, file: string, warn: (message: string) => void): BlipItmConfig {
  const { image_text_hidden_size: width } = parseJson(json, file) as { image_text_hidden_size?: unknown };
  const projection = z.int().positive().max(16_384).default(256).safeParse(width);
  if (!projection.success)
    throw new NoticeError("checkpoint", `${file}: image_text_hidden_size is ${shown(width)}; a width was expected.`);
  return { ...parseConfig(json, file, warn), projection: projection.data };
}

/** transformers 4.57 */
function places({ vision, text, projection }: BlipItmConfig): BlipItmWeights<Place> {
  return {
    vision: vitPlaces(vision),
    text: bertPlaces("text_encoder", text, vision.hidden_size),
    match: linearPlace("itm_head", text.hidden_size, 2),
    projections: {
      vision: linearPlace("vision_proj", vision.hidden_size, projection),
      text: linearPlace("text_proj", text.hidden_size, projection),
    },
  };
}

/**
 * ITC: the cosine of both [CLS] in one space, [batch]. The sentence is read by the same encoder, without its
 * cross-attention. [CLS] stays [CLS], as in `transformers`; the original code puts [ENC] in its place only where the
 * encoder sees the picture.
 */
function compare(
  { config, weights }: Model,
  { vision }: Readonly<Record<string, tf.Tensor>>,
  ids: readonly (readonly number[])[],
): tf.Tensor {
  const first = (x: tf.Tensor) => tf.squeeze(tf.slice(x, [0, 0, 0], [-1, 1, -1]), [1]);
  const normal = (x: tf.Tensor) => tf.div(x, tf.norm(x, "euclidean", -1, true));
  const blocks = weights.text.blocks.map(
    (block) => (x: tf.Tensor) => bertBlock(block, config.text, x, { causal: false }),
  );
  const words = embedTokens(weights.text, config.text, tf.tensor2d(ids as number[][], undefined, "int32"));
  const image = linear(first(finishImage(weights.vision, config.vision, vision!)), weights.projections.vision);
  const text = linear(first(walk(blocks, words).at(-1)!), weights.projections.text);
  return tf.sum(tf.mul(normal(image), normal(text)), -1);
}

/** The last stream [batch, token, width] -> [batch, 2], at [CLS]. */
function readMatch({ weights }: Model, last: tf.Tensor): tf.Tensor2D {
  const [batch, , width] = last.shape as [number, number, number];
  return linear(tf.reshape(tf.slice(last, [0, 0, 0], [batch, 1, width]), [batch, width]), weights.match) as tf.Tensor2D;
}
