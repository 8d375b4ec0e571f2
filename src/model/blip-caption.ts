import * as tf from "@tensorflow/tfjs-core";
import type { Place } from "../checkpoint/place.js";
import type { Architecture, Learned } from "./architecture.js";
import { type BlipConfig, parseConfig } from "./blip-config.js";
import { attendsVision, ignored, intake, vision } from "./blip-towers.js";
import {
  continueGreedily,
  decoderPlaces,
  readWords,
  type WordsWeights,
  wordsAliases,
  wordsTower,
} from "./blip-words.js";
import { type BertWeights, bertBlock, embedTokens } from "./blocks/bert.js";
import { type BlockFunction, type Rewrites, walk } from "./blocks/block.js";
import { type VitWeights, vitPlaces } from "./blocks/vit.js";
import { NEW_TOKENS } from "./greedy.js";
import { keysValues } from "./kernels/attention.js";

// BLIP for captions (Hugging Face `BlipForConditionalGeneration`): a ViT sees the picture; a decoder attends to it in
// every layer and goes on with a prompt, word by word, or begins with [DEC] alone. The picture may be wider than the
// text.

/** Everything that it has learned. */
export interface BlipCaptionWeights<Leaf = tf.Tensor> {
  readonly vision: VitWeights<Leaf>;
  readonly decoder: BertWeights<Leaf> & { readonly readout: WordsWeights<Leaf> };
}

type Model = Learned<BlipConfig, BlipCaptionWeights>;

export const blipCaption = {
  name: "blip-caption",
  checkpoint: {
    className: "BlipForConditionalGeneration",
    config: parseConfig,
    places,
    ignored,
    aliases: wordsAliases,
  },
  intake: {
    ...intake,
    // As `generate` has it: position 0 becomes [DEC] and the last token, [SEP], goes. So one token more is taken than
    // there are positions.
    maxTokens: ({ text }) => text.max_position_embeddings + 1,
    begins: ({ text }, ids) => [text.bos_token_id, ...ids.slice(1, -1)],
    optional: true,
  },
  towers: {
    vision,
    decoder: {
      tokens: "question",
      ...wordsTower,
      attends: attendsVision("decoder"),
      names: () => [],
      embed: ({ config, weights }, { ids }) => embedTokens(weights.decoder, config.text, ids),
    },
  },
  readout: {
    tower: "decoder",
    choices: ({ text }) => text.vocab_size,
    logits: ({ config, weights }, last) => readWords(weights.decoder.readout, config.text, last),
    say: (model, { vision }, ids, rewrites) => generate(model, vision!, ids, rewrites),
  },
} as const satisfies Architecture<BlipConfig, BlipCaptionWeights>;

/** transformers 4.57 */
function places({ vision, text }: BlipConfig, names: ReadonlySet<string>): BlipCaptionWeights<Place> {
  return {
    vision: vitPlaces(vision),
    decoder: decoderPlaces(text, vision.hidden_size, names),
  };
}

/**
 * Greedy captions: after the prompt the likeliest token each time, until [SEP] or the last position that the model has.
 *
 * @param last the vision tower's last stream [batch, token, width]. @param prompts ids that begin with [DEC], equally
 * many.
 * @returns per row the ids after the prompt, without [SEP].
 */
async function generate(
  model: Model,
  last: tf.Tensor,
  prompts: readonly (readonly number[])[],
  rewrites?: Rewrites,
): Promise<number[][]> {
  const { config, weights } = model;
  const { sep_token_id: end, max_position_embeddings: positions, num_attention_heads: heads } = config.text;
  const contexts = tf.tidy(() => {
    const rows = attendsVision("decoder").rows(model, last);
    return weights.decoder.blocks.map(({ cross }) => ({ ...keysValues(cross, rows, heads) }));
  });
  const blocks = weights.decoder.blocks.map(
    (block, layer): BlockFunction =>
      (x, beside) =>
        bertBlock(block, config.text, x, { ...beside, context: contexts[layer]!, causal: true }),
  );
  // Even a prompt that fills every position is gone on with by one word.
  const most = Math.max(1, Math.min(NEW_TOKENS, positions - prompts[0]!.length));
  try {
    return await continueGreedily(prompts, { end, most }, (ids) => {
      const stream = walk(blocks, embedTokens(weights.decoder, config.text, ids), 0, rewrites?.first);
      return readWords(weights.decoder.readout, config.text, stream.at(-1)!);
    });
  } finally {
    tf.dispose(contexts);
  }
}
