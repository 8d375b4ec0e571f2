import * as tf from "@tensorflow/tfjs-core";
import type { Checkpoint, ModelConfig } from "../src/checkpoint/format.js";
import { placesByName } from "../src/checkpoint/place.js";
import type { TensorEntry } from "../src/checkpoint/safetensors.js";
import { loadWeights } from "../src/checkpoint/weights.js";
import type { Learned, Network } from "../src/model/architecture.js";
import type { BlipConfig } from "../src/model/blip-config.js";
import { type BlipVqaWeights, blipVqa } from "../src/model/blip-vqa.js";
import { Pair } from "../src/patching/pair.js";
import type { Question } from "../src/patching/positions.js";

/** What a random model may look like. */
export interface RandomShape {
  readonly heads: number;
  readonly headDim: number;
  readonly visionLayers: number;
  readonly textLayers: number;
  readonly mlp: number;
  /** Patches on a side. */
  readonly grid: number;
}

/** What checkpoints hold that have an output matrix of their own. */
const VOCABULARY = "text_decoder.cls.predictions.decoder.weight";
const VOCABULARY_SIZE = 20;
const PATCH = 4;

/** A BLIP for question answering. */
export type RandomModel = Network & Learned<BlipConfig, BlipVqaWeights>;

/** Numbers in [0, 1) from a seed (splitmix32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/**
 * A model with weights of unit gain, so that every head matters and attention is far from uniform.
 *
 * @param change called with every tensor, by its name in the checkpoint: what it writes into the values is loaded.
 */
export async function randomModel(
  shape: RandomShape,
  random: () => number,
  change?: (name: string, values: Float32Array) => void,
): Promise<RandomModel> {
  const config = blipVqa.checkpoint.config(JSON.stringify(randomConfig(shape)), "random", console.warn);
  const weights = await randomWeights(blipVqa.checkpoint, config, random, change);
  return { architecture: blipVqa, config, weights: weights as BlipVqaWeights };
}

/** What `config.json` says of such a model. */
export function randomConfig(shape: RandomShape): object {
  const width = shape.heads * shape.headDim;
  const tower = { hidden_size: width, num_attention_heads: shape.heads, intermediate_size: shape.mlp };
  return {
    model_type: "blip",
    vision_config: {
      ...tower,
      num_hidden_layers: shape.visionLayers,
      image_size: shape.grid * PATCH,
      patch_size: PATCH,
    },
    text_config: {
      ...tower,
      num_hidden_layers: shape.textLayers,
      vocab_size: VOCABULARY_SIZE,
      max_position_embeddings: 32,
      bos_token_id: 1,
      sep_token_id: 2,
    },
  };
}

/** Weights of unit gain for any architecture. */
export async function randomWeights(
  checkpoint: Checkpoint,
  config: ModelConfig,
  random: () => number,
  change?: (name: string, values: Float32Array) => void,
): Promise<object> {
  const entries = [...placesByName(checkpoint.places(config, new Set([VOCABULARY])))].map(
    ([name, { shape: sides }]): [string, TensorEntry] => {
      const size = sides.reduce((product, side) => product * side, 1);
      const centre = /norm/i.test(name) && name.endsWith("weight") ? 1 : 0;
      const spread = sides.length === 2 && !name.includes("embeddings") ? 1.5 / Math.sqrt(sides[1]!) : 0.5;
      const values = Float32Array.from({ length: size }, () => centre + spread * 3.46 * (random() - 0.5));
      change?.(name, values);
      const bytes = new Uint8Array(values.buffer);
      const source = { name: "random", size: bytes.length, read: async () => bytes };
      return [name, { name, dtype: "F32", shape: sides, source, start: 0, end: bytes.length }];
    },
  );
  return loadWeights(checkpoint, config, new Map(entries), { name: "random" });
}

/**
 * A pair of random pictures or questions of `tokens` tokens; of questions that differ in one token where `differing` is
 * given.
 */
export async function randomPair(
  model: RandomModel,
  mode: "image" | "text",
  tokens: number,
  random: () => number,
  differing?: number,
): Promise<Pair> {
  const side = model.config.vision.image_size;
  const pixels = () =>
    tf.tensor4d(
      Float32Array.from({ length: side * side * 3 }, () => 4 * random() - 2),
      [1, side, side, 3],
    );
  const picture = pixels();
  const ids = () => Array.from({ length: tokens }, () => 3 + Math.floor(random() * (VOCABULARY_SIZE - 3)));
  const question = (found = ids()): Question => ({
    text: "",
    ids: found,
    tokens: found.map(String),
    find: (word) => [[Number(word)]],
  });
  const clean = question();
  const corrupt = () =>
    differing === undefined
      ? question()
      : question(clean.ids.map((id, token) => (token === differing ? (id === 3 ? 4 : 3) : id)));
  const answer = (id: number) => ({ text: "0", token: String(id), id });
  return Pair.of(model, {
    modelName: "random",
    pixels: picture,
    question: clean,
    answers: { correct: answer(4), incorrect: answer(5) },
    ...(mode === "image" ? { corruptPixels: pixels() } : { corruptQuestion: corrupt() }),
  });
}
