import * as tf from "@tensorflow/tfjs-core";
import { linearPlace, normPlace, type Place } from "../checkpoint/place.js";
import { sizeOf, type Tower } from "./architecture.js";
import type { BlipConfig, TextConfig } from "./blip-config.js";
import { BERT_SITES, type BertWeights, bertBlock, bertPlaces } from "./blocks/bert.js";
import { sayGreedily } from "./greedy.js";
import { gelu, type LayerNorm, type Linear, layerNorm, linear } from "./kernels/linear.js";

// What those of BLIP's family share that answer in words: a decoder, from its stream to the vocabulary, and greedy
// texts.

/** From the decoder's stream to the vocabulary. */
export interface WordsWeights<Leaf = tf.Tensor> {
  readonly transform: Linear<Leaf>;
  readonly norm: LayerNorm<Leaf>;
  /** [width, vocabulary] and [vocabulary] */
  readonly vocabulary: Linear<Leaf>;
}

const HEAD = "text_decoder.cls.predictions";
/** The decoder's output matrix, which some checkpoints lack. */
const VOCABULARY = `${HEAD}.decoder.weight`;
/** One bias under two names. */
const VOCABULARY_BIAS = [`${HEAD}.bias`, `${HEAD}.decoder.bias`];

export const wordsAliases = [VOCABULARY_BIAS];

/** What decoders have in common. */
export const wordsTower = {
  causal: true,
  sites: BERT_SITES,
  size: ({ text }) => sizeOf(text),
  block: ({ config, weights }, layer, x, { context, ...beside }) =>
    bertBlock(weights.decoder.blocks[layer]!, config.text, x, { ...beside, context: context!, causal: true }),
  attention: ({ weights }, layer) => weights.decoder.blocks[layer]!,
} as const satisfies Omit<Tower<BlipConfig, { readonly decoder: BertWeights }>, "tokens" | "names" | "embed">;

/**
 * Where a BLIP checkpoint keeps a decoder. Where it lacks the output matrix, the decoder's word embeddings stand in for
 * it.
 *
 * @param context the width of what is attended to. @param names of the tensors that the checkpoint holds.
 */
export function decoderPlaces(
  text: TextConfig,
  context: number,
  names: ReadonlySet<string>,
): BertWeights<Place> & { readonly readout: WordsWeights<Place> } {
  const { hidden_size: width, vocab_size: vocabulary } = text;
  const decoder = bertPlaces("text_decoder.bert", text, context);
  const output = names.has(VOCABULARY) ? VOCABULARY : decoder.words.name;
  const bias = VOCABULARY_BIAS.find((name) => names.has(name)) ?? VOCABULARY_BIAS[0]!;
  return {
    ...decoder,
    readout: {
      transform: linearPlace(`${HEAD}.transform.dense`, width, width),
      norm: normPlace(`${HEAD}.transform.LayerNorm`, width),
      vocabulary: {
        weight: { name: output, shape: [vocabulary, width], layout: "transposed" },
        bias: { name: bias, shape: [vocabulary] },
      },
    },
  };
}

/** A decoder's last stream [batch, token, width] -> logits after its last token, [batch, vocabulary]. */
export function readWords(readout: WordsWeights, config: TextConfig, last: tf.Tensor): tf.Tensor2D {
  const { transform, norm, vocabulary } = readout;
  const [batch, tokens, width] = last.shape as [number, number, number];
  const rows = tf.reshape(tf.slice(last, [0, tokens - 1, 0], [batch, 1, width]), [batch, width]);
  const transformed = layerNorm(gelu(linear(rows, transform)), norm, config.layer_norm_eps);
  return linear(transformed, vocabulary) as tf.Tensor2D;
}

/**
 * Greedy texts: the likeliest token each time, until a token ends them.
 *
 * @param begun equally long rows of ids. @param most so many new tokens at most.
 * @param read ids [batch, token] -> logits of what comes after them.
 * @returns per row the ids that are new, without the one that ends them.
 */
export function continueGreedily(
  begun: readonly (readonly number[])[],
  { end, most }: { readonly end: number; readonly most: number },
  read: (ids: tf.Tensor) => tf.Tensor,
): Promise<number[][]> {
  return sayGreedily(begun.length, { ends: [end], most }, (said) =>
    tf.tidy(() => {
      const ids = begun.map((row, i) => [...row, ...said[i]!]);
      return tf.argMax(read(tf.tensor2d(ids, undefined, "int32")), -1);
    }),
  );
}
