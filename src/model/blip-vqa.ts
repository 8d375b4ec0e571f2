import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { linearPlace, normPlace, type Place } from "../checkpoint/place.js";
import type { Architecture, Learned } from "./architecture.js";
import { type BlipConfig, parseConfig } from "./blip-config.js";
import { ignored, intake, sizeOf, text, vision } from "./blip-towers.js";
import { BERT_SITES, type BertWeights, bertBlock, bertPlaces, embedTokens } from "./blocks/bert.js";
import { walk } from "./blocks/block.js";
import { type VitWeights, vitPlaces } from "./blocks/vit.js";
import { gelu, type LayerNorm, type Linear, layerNorm, linear } from "./kernels/linear.js";

// BLIP for question answering (Hugging Face `BlipForQuestionAnswering`): a ViT sees the picture; a BERT reads the question and attends
// to the picture in every layer; a decoder attends to what was read, and begins the answer with [DEC].

/** From the decoder's stream to the vocabulary. */
interface ReadoutWeights<Leaf = tf.Tensor> {
  readonly transform: Linear<Leaf>;
  readonly norm: LayerNorm<Leaf>;
  /** [width, vocabulary] and [vocabulary] */
  readonly vocabulary: Linear<Leaf>;
}

/** Everything that it has learned. */
export interface BlipVqaWeights<Leaf = tf.Tensor> {
  readonly vision: VitWeights<Leaf>;
  readonly text: BertWeights<Leaf>;
  readonly decoder: BertWeights<Leaf> & { readonly readout: ReadoutWeights<Leaf> };
}

type Model = Learned<BlipConfig, BlipVqaWeights>;

const HEAD = "text_decoder.cls.predictions";
/** The decoder's output matrix, which some checkpoints lack. */
const VOCABULARY = `${HEAD}.decoder.weight`;
/** One bias under two names. */
const VOCABULARY_BIAS = [`${HEAD}.bias`, `${HEAD}.decoder.bias`];

export const blipVqa = {
  name: "blip-vqa",
  checkpoint: {
    className: "BlipForQuestionAnswering",
    config: oneWidth,
    places,
    ignored,
    aliases: [VOCABULARY_BIAS],
  },
  intake,
  towers: {
    vision,
    text,
    decoder: {
      tokens: "answer",
      causal: true,
      sites: BERT_SITES,
      attends: { tower: "text" },
      size: ({ text }) => sizeOf(text),
      names: () => ["[DEC]"],
      embed: ({ config, weights }, { ids }) =>
        embedTokens(weights.decoder, config.text, tf.fill([ids.shape[0]!, 1], config.text.bos_token_id, "int32")),
      block: ({ config, weights }, layer, x, context, given) =>
        bertBlock(weights.decoder.blocks[layer]!, config.text, x, { context: context!, causal: true, given }),
    },
  },
  readout: {
    tower: "decoder",
    choices: ({ text }) => text.vocab_size,
    logits: readLogits,
    say: (model, { text }) => generate(model, text!),
  },
} as const satisfies Architecture<BlipConfig, BlipVqaWeights>;

/** The text encoder's width is also that of what the decoder attends to, and the two share one config. */
function oneWidth(json: string, file: string, warn: (message: string) => void): BlipConfig {
  const config = parseConfig(json, file, warn);
  const { vision, text } = config;
  if (vision.hidden_size !== text.hidden_size)
    throw new NoticeError(
      "checkpoint",
      `${file}: vision_config.hidden_size is ${vision.hidden_size} and text_config.hidden_size ${text.hidden_size}. ` +
        "In BLIP for question answering both must be equal: text encoder and decoder share one cross-attention width.",
    );
  return config;
}

/** transformers 4.46. Where a checkpoint lacks the output matrix, the decoder's word embeddings stand in for it. */
function places({ vision, text }: BlipConfig, names: ReadonlySet<string>): BlipVqaWeights<Place> {
  const { hidden_size: width, vocab_size: vocabulary } = text;
  const decoder = bertPlaces("text_decoder.bert", text, width);
  const output = names.has(VOCABULARY) ? VOCABULARY : decoder.words.name;
  const bias = VOCABULARY_BIAS.find((name) => names.has(name)) ?? VOCABULARY_BIAS[0]!;
  return {
    vision: vitPlaces("vision_model", vision),
    text: bertPlaces("text_encoder", text, vision.hidden_size),
    decoder: {
      ...decoder,
      readout: {
        transform: linearPlace(`${HEAD}.transform.dense`, width, width),
        norm: normPlace(`${HEAD}.transform.LayerNorm`, width),
        vocabulary: {
          weight: { name: output, shape: [vocabulary, width], layout: "transposed" },
          bias: { name: bias, shape: [vocabulary] },
        },
      },
    },
  };
}

/** The decoder's last stream [batch, token, width] -> logits after its last token, [batch, vocabulary]. */
function readLogits({ config, weights }: Model, last: tf.Tensor): tf.Tensor2D {
  const { transform, norm, vocabulary } = weights.decoder.readout;
  const [batch, tokens, width] = last.shape as [number, number, number];
  const rows = tf.reshape(tf.slice(last, [0, tokens - 1, 0], [batch, 1, width]), [batch, width]);
  const transformed = layerNorm(gelu(linear(rows, transform)), norm, config.text.layer_norm_eps);
  return linear(transformed, vocabulary) as tf.Tensor2D;
}

/** As many tokens as `transformers` generates by default: 20, [DEC] among them. */
const MAX_NEW_TOKENS = 19;

/**
 * Greedy answers: from [DEC] on the likeliest token each time, until [SEP] or the last position that the model has.
 *
 * @param hidden the text encoder's output [batch, token, width].
 * @returns per row the generated ids, without [DEC] and [SEP].
 */
async function generate(model: Model, hidden: tf.Tensor): Promise<number[][]> {
  const { config, weights } = model;
  const { bos_token_id: start, sep_token_id: end, max_position_embeddings } = config.text;
  const sequences = Array.from({ length: hidden.shape[0]! }, () => [start]);
  const ended = (ids: number[]) => ids.length > 1 && ids.at(-1) === end;
  const steps = Math.min(MAX_NEW_TOKENS, max_position_embeddings);
  const blocks = weights.decoder.blocks.map(
    (block) => (x: tf.Tensor) => bertBlock(block, config.text, x, { context: hidden, causal: true }),
  );
  for (let step = 0; step < steps && !sequences.every(ended); step++) {
    const likeliest = tf.tidy(() => {
      const ids = tf.tensor2d(sequences, undefined, "int32");
      return tf.argMax(readLogits(model, walk(blocks, embedTokens(weights.decoder, config.text, ids)).at(-1)!), -1);
    });
    const next = await likeliest.data();
    likeliest.dispose();
    // An ended row goes on with [SEP], so that rows stay equally long.
    sequences.forEach((ids, row) => {
      ids.push(ended(ids) ? end : next[row]!);
    });
  }
  return sequences.map((ids) => {
    const at = ids.indexOf(end, 1);
    return ids.slice(1, at < 0 ? undefined : at);
  });
}
