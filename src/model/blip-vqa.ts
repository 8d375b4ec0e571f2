import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import type { Place } from "../checkpoint/place.js";
import type { Architecture, Learned } from "./architecture.js";
import { type BlipConfig, parseConfig } from "./blip-config.js";
import { ignored, intake, text, vision } from "./blip-towers.js";
import {
  continueGreedily,
  decoderPlaces,
  readWords,
  type WordsWeights,
  wordsAliases,
  wordsTower,
} from "./blip-words.js";
import { type BertWeights, bertBlock, bertPlaces, embedTokens } from "./blocks/bert.js";
import { type BlockFunction, type Rewrites, walk } from "./blocks/block.js";
import { type VitWeights, vitPlaces } from "./blocks/vit.js";

// BLIP for question answering (Hugging Face `BlipForQuestionAnswering`): a ViT sees the picture; a BERT reads the
// question and attends to the picture in every layer; a decoder attends to what was read, and begins the answer with
// [DEC].

/** Everything that it has learned. */
export interface BlipVqaWeights<Leaf = tf.Tensor> {
  readonly vision: VitWeights<Leaf>;
  readonly text: BertWeights<Leaf>;
  readonly decoder: BertWeights<Leaf> & { readonly readout: WordsWeights<Leaf> };
}

type Model = Learned<BlipConfig, BlipVqaWeights>;

export const blipVqa = {
  name: "blip-vqa",
  checkpoint: {
    className: "BlipForQuestionAnswering",
    config: oneWidth,
    places,
    ignored,
    aliases: wordsAliases,
  },
  intake,
  towers: {
    vision,
    text,
    decoder: {
      tokens: "answer",
      ...wordsTower,
      attends: { tower: "text" },
      names: () => ["[DEC]"],
      embed: ({ config, weights }, { ids }) =>
        embedTokens(weights.decoder, config.text, tf.fill([ids.shape[0]!, 1], config.text.bos_token_id, "int32")),
    },
  },
  readout: {
    tower: "decoder",
    choices: ({ text }) => text.vocab_size,
    logits: readLogits,
    say: (model, { text }, _?, rewrites?) => generate(model, text!, rewrites),
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

/** transformers 4.46 */
function places({ vision, text }: BlipConfig, names: ReadonlySet<string>): BlipVqaWeights<Place> {
  return {
    vision: vitPlaces(vision),
    text: bertPlaces("text_encoder", text, vision.hidden_size),
    decoder: decoderPlaces(text, text.hidden_size, names),
  };
}

/** The decoder's last stream [batch, token, width] -> logits after its last token, [batch, vocabulary]. */
function readLogits({ config, weights }: Model, last: tf.Tensor): tf.Tensor2D {
  return readWords(weights.decoder.readout, config.text, last);
}

/** As many tokens as `transformers` generates by default: 20, [DEC] among them. */
const MAX_NEW_TOKENS = 19;

/**
 * Greedy answers: from [DEC] on the likeliest token each time, until [SEP] or the last position that the model has.
 *
 * @param hidden the text encoder's output [batch, token, width].
 * @returns per row the generated ids, without [DEC] and [SEP].
 */
async function generate(model: Model, hidden: tf.Tensor, rewrites?: Rewrites): Promise<number[][]> {
  const { config, weights } = model;
  const { bos_token_id: start, sep_token_id: end, max_position_embeddings } = config.text;
  const blocks = weights.decoder.blocks.map(
    (block): BlockFunction =>
      (x, beside) =>
        bertBlock(block, config.text, x, { ...beside, context: hidden, causal: true }),
  );
  const begun = Array.from({ length: hidden.shape[0]! }, () => [start]);
  return continueGreedily(begun, { end, most: Math.min(MAX_NEW_TOKENS, max_position_embeddings) }, (ids) =>
    readLogits(model, walk(blocks, embedTokens(weights.decoder, config.text, ids), 0, rewrites?.first).at(-1)!),
  );
}
