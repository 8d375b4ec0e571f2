import type * as tf from "@tensorflow/tfjs-core";
import type { AttentionWeights } from "./attention.js";
import type { MlpWeights } from "./block.js";
import { type BlipConfig, imageTokens, type TextConfig, type TowerConfig, type VisionConfig } from "./config.js";
import type { DecoderWeights } from "./decoder.js";
import type { LayerNorm, Linear } from "./linear.js";
import type { TextWeights } from "./text.js";
import type { VisionWeights } from "./vision.js";

/** Everything a BLIP for question answering has learned. */
export interface BlipWeights<Leaf = tf.Tensor> {
  readonly vision: VisionWeights<Leaf>;
  readonly text: TextWeights<Leaf>;
  readonly decoder: DecoderWeights<Leaf>;
}

/** A tensor's place in a checkpoint, and how our layout follows from the stored one. */
export interface Place {
  readonly name: string;
  /** As stored. */
  readonly shape: readonly number[];
  /** `transposed`: [out, in] -> [in, out]. `patches`: [width, 3, y, x] -> [y · x · 3, width]. */
  readonly layout?: "transposed" | "patches";
  /** Of a stored [3 · n, …] only this third: the ViT keeps q, k and v in one matrix. */
  readonly third?: 0 | 1 | 2;
}

/** Buffers that some checkpoints carry and that hold nothing learned. */
export const IGNORED = /(^|\.)position_ids$/;
/** The decoder's output matrix, which some checkpoints lack. */
export const VOCABULARY = "text_decoder.cls.predictions.decoder.weight";
/** One bias under two names; a checkpoint holds either or both. */
export const VOCABULARY_BIAS = ["text_decoder.cls.predictions.bias", "text_decoder.cls.predictions.decoder.bias"];

/**
 * Where each weight stands in a Hugging Face checkpoint of `BlipForQuestionAnswering` (transformers 4.46). Where it
 * lacks the decoder's output matrix, the decoder's word embeddings stand in for it.
 */
export function places(config: BlipConfig, names: ReadonlySet<string>): BlipWeights<Place> {
  const decoder = textPlaces("text_decoder.bert", config.text);
  const { hidden_size: width, vocab_size: vocabulary } = config.text;
  const head = "text_decoder.cls.predictions";
  const output = names.has(VOCABULARY) ? VOCABULARY : decoder.words.name;
  const bias = VOCABULARY_BIAS.find((name) => names.has(name)) ?? VOCABULARY_BIAS[0]!;
  return {
    vision: visionPlaces("vision_model", config.vision),
    text: textPlaces("text_encoder", config.text),
    decoder: {
      ...decoder,
      readout: {
        transform: linearPlace(`${head}.transform.dense`, width, width),
        norm: normPlace(`${head}.transform.LayerNorm`, width),
        vocabulary: {
          weight: { name: output, shape: [vocabulary, width], layout: "transposed" },
          bias: { name: bias, shape: [vocabulary] },
        },
      },
    },
  };
}

function visionPlaces(root: string, config: VisionConfig): VisionWeights<Place> {
  const { hidden_size: width, patch_size: patch } = config;
  const embeddings = `${root}.embeddings`;
  return {
    patches: {
      weight: {
        name: `${embeddings}.patch_embedding.weight`,
        shape: [width, 3, patch, patch],
        layout: "patches",
      },
      bias: { name: `${embeddings}.patch_embedding.bias`, shape: [width] },
    },
    classEmbedding: { name: `${embeddings}.class_embedding`, shape: [1, 1, width] },
    positions: { name: `${embeddings}.position_embedding`, shape: [1, imageTokens(config), width] },
    blocks: layers(config, (layer) => {
      const at = `${root}.encoder.layers.${layer}`;
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
        mlp: mlpPlaces(`${at}.mlp.fc1`, `${at}.mlp.fc2`, config),
      };
    }),
    finalNorm: normPlace(`${root}.post_layernorm`, width),
  };
}

function textPlaces(root: string, config: TextConfig): TextWeights<Place> {
  const { hidden_size: width, vocab_size, max_position_embeddings } = config;
  return {
    words: { name: `${root}.embeddings.word_embeddings.weight`, shape: [vocab_size, width] },
    positions: { name: `${root}.embeddings.position_embeddings.weight`, shape: [max_position_embeddings, width] },
    embeddingNorm: normPlace(`${root}.embeddings.LayerNorm`, width),
    blocks: layers(config, (layer) => {
      const at = `${root}.encoder.layer.${layer}`;
      return {
        self: attentionPlaces(`${at}.attention`, width),
        selfNorm: normPlace(`${at}.attention.output.LayerNorm`, width),
        cross: attentionPlaces(`${at}.crossattention`, width),
        crossNorm: normPlace(`${at}.crossattention.output.LayerNorm`, width),
        mlp: mlpPlaces(`${at}.intermediate.dense`, `${at}.output.dense`, config),
        mlpNorm: normPlace(`${at}.output.LayerNorm`, width),
      };
    }),
  };
}

const layers = <Weights>({ num_hidden_layers }: TowerConfig, of: (layer: number) => Weights): Weights[] =>
  Array.from({ length: num_hidden_layers }, (_, layer) => of(layer));

const linearPlace = (name: string, inside: number, outside: number): Linear<Place> => ({
  weight: { name: `${name}.weight`, shape: [outside, inside], layout: "transposed" },
  bias: { name: `${name}.bias`, shape: [outside] },
});

const normPlace = (name: string, width: number): LayerNorm<Place> => ({
  weight: { name: `${name}.weight`, shape: [width] },
  bias: { name: `${name}.bias`, shape: [width] },
});

const mlpPlaces = (into: string, out: string, { hidden_size, intermediate_size }: TowerConfig): MlpWeights<Place> => ({
  in: linearPlace(into, hidden_size, intermediate_size),
  out: linearPlace(out, intermediate_size, hidden_size),
});

const attentionPlaces = (name: string, width: number): AttentionWeights<Place> => ({
  query: linearPlace(`${name}.self.query`, width, width),
  key: linearPlace(`${name}.self.key`, width, width),
  value: linearPlace(`${name}.self.value`, width, width),
  output: linearPlace(`${name}.output.dense`, width, width),
});
