import * as tf from "@tensorflow/tfjs-core";
import { type Intake, type Learned, type Readout, sizeOf, type Takes, type Tower } from "./architecture.js";
import type { Rewrites, TowerGiven } from "./blocks/block.js";
import { embedWords, LLAMA_SITES, type LlamaWeights, llamaBlock, nextWord } from "./blocks/llama.js";
import type { DecoderConfig } from "./decoder-config.js";
import { NEW_TOKENS, sayGreedily } from "./greedy.js";
import { placeRows } from "./kernels/places.js";
import { rotate } from "./kernels/rotary.js";

// What models share whose tower of words has the picture among its own tokens: that tower, and how it goes on with an
// answer.

interface Weights {
  readonly text: LlamaWeights;
}

/** The tower of words. @param takes how the picture comes into it. */
export const readingTower = <Config extends DecoderConfig, W extends Weights>(takes: Takes<Config, W>) =>
  ({
    tokens: "question",
    causal: true,
    sites: LLAMA_SITES,
    takes: takes as Takes<Config, W> & { readonly tower: "vision" },
    size: ({ text }) => ({ ...sizeOf(text), keyValueHeads: text.num_key_value_heads, headDim: text.head_dim }),
    names: () => [],
    embed: ({ weights }, { ids }) => embedWords(weights.text, ids),
    turned: ({ config }, keys) => rotate(keys, 0, { base: config.text.rope_theta }),
    block: ({ config, weights }, layer, x, { given, past }) =>
      llamaBlock(weights.text.blocks[layer]!, config.text, x, { given, past }),
    attention: ({ weights }, layer) => weights.text.blocks[layer]!,
  }) as const satisfies Tower<Config, W>;

/** What goes in, without what reads it. */
export const decoderIntake = {
  image: ({ vision }) => ({ side: vision.image_size, patch: vision.patch_size }),
  maxTokens: ({ text }) => text.max_position_embeddings,
  vocabulary: ({ text }) => text.vocab_size,
} as const satisfies Intake<DecoderConfig>;

/** The next word. @param takes how the picture comes into the tower of words. */
export const decoderReadout = <Config extends DecoderConfig, W extends Weights>(takes: Takes<Config, W>) =>
  ({
    tower: "text",
    choices: ({ text }) => text.vocab_size,
    logits: ({ config, weights }, last) => nextWord(weights.text, config.text, last),
    say: (model, { vision }, ids, rewrites) => continueAnswers(model, takes, vision!, ids, rewrites),
  }) as const satisfies Readout<Config, W>;

/** Buffers that hold nothing learned. */
export const DECODER_BUFFERS = /position_ids$|inv_freq$/;

/** Keys and values of all that was read, by layer. */
type Cache = { k: tf.Tensor; v: tf.Tensor }[];

/**
 * Greedy answers: the likeliest token each time, until one that ends an answer. Keys and values of what was read are
 * kept.
 *
 * @param takes how the picture comes into the tower. @param last the seeing tower's last stream [batch, token, width].
 * @param prompts ids, equally many a row.
 * @returns per row the ids after the prompt, without the one that ends them.
 */
async function continueAnswers<Config extends DecoderConfig, W extends Weights>(
  model: Learned<Config, W>,
  takes: Takes<Config, W>,
  last: tf.Tensor,
  prompts: readonly (readonly number[])[],
  rewrites?: Rewrites,
): Promise<number[][]> {
  const { config, weights } = model;
  const token = takes.token(config);
  const places = prompts[0]!.flatMap((id, at) => (id === token ? [at] : []));
  const most = Math.max(1, Math.min(NEW_TOKENS, config.text.max_position_embeddings - prompts[0]!.length));
  const embed = (ids: number[][]) => embedWords(weights.text, tf.tensor2d(ids, undefined, "int32"));
  let cache: Cache = [];
  try {
    return await sayGreedily(prompts.length, { ends: config.text.ends, most }, (said) => {
      const { next, more } = tf.tidy(() => {
        const begun = said[0]!.length > 0;
        const x = begun
          ? embed(said.map((row) => [row.at(-1)!]))
          : placeRows(embed(prompts.map((ids) => [...ids])), takes.rows(model, last), places);
        return readOn(model, x, cache, begun ? rewrites?.later : rewrites?.first);
      });
      tf.dispose(cache);
      cache = more;
      return next;
    });
  } finally {
    tf.dispose(cache);
  }
}

/** The likeliest next tokens [batch] after `x`, and the keys and values of all that was read. */
function readOn<Config extends DecoderConfig, W extends Weights>(
  { config, weights }: Learned<Config, W>,
  x: tf.Tensor,
  cache: Cache,
  given?: TowerGiven,
): { next: tf.Tensor; more: Cache } {
  return tf.tidy(() => {
    const more: Cache = [];
    let stream = x;
    for (const [layer, block] of weights.text.blocks.entries()) {
      const past = cache[layer] ? [cache[layer]] : [];
      const [k, v, out] = tf.tidy(() => {
        const { self, stream: values } = llamaBlock(block, config.text, stream, { past, given: given?.get(layer) });
        const along = (own: tf.Tensor, before?: tf.Tensor) => (before ? tf.concat([before, own], 1) : tf.clone(own));
        return [along(self.k, past[0]?.k), along(self.v, past[0]?.v), values.resid_post] as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
      });
      more.push({ k, v });
      stream = out;
    }
    return { next: tf.argMax(nextWord(weights.text, config.text, stream), -1), more };
  });
}

/** The prefix of the tensor of this ending, whatever stands before it. @param otherwise where none has it. */
export function rootOf(names: ReadonlySet<string>, ending: string, otherwise: string): string {
  for (const name of names) if (name.endsWith(ending)) return name.slice(0, -ending.length);
  return otherwise;
}
