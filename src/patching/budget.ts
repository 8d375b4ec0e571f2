import { NoticeError } from "../errors.js";
import type { BlipModel } from "../model/blip.js";
import { imageTokens, type TowerConfig } from "../model/config.js";
import type { SiteParts } from "./sites.js";

/** More than this together is no faster, so no more is taken however much there is. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * So many times as many patches as are read together are decoded together: with a row a patch the decoder's products are small, and
 * tfjs-node's are half as fast below 300 rows where a row is a multiple of 4 KiB (docs/decisions.md).
 */
const DECODED_TOGETHER = 4;

/**
 * How many patches of a site go through the layers together.
 *
 * @param tokens of the question.
 * @param memory bytes for their values. Default: what loading the model left over, at most 512 MiB.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function patchesAtOnce(model: BlipModel, parts: SiteParts, tokens: number, memory?: number): number {
  const bytes = patchBytes(model, parts, tokens);
  const budget = budgetOf(model, memory);
  if (!(bytes <= budget))
    throw new NoticeError(
      "memory",
      `One patch of ${parts.site} takes about ${megabytes(bytes)} MB at ${tokens} tokens, and the budget is ${megabytes(budget)} MB. ` +
        (parts.tower === "vision" ? "Allow more memory." : "Allow more memory, or ask a shorter question."),
    );
  return Math.floor(budget / bytes);
}

/** How many patches that were read, so many at once, are decoded together. */
export function decodedAtOnce({ config, memory: left }: BlipModel, read: number, tokens: number, memory?: number) {
  return Math.min(
    DECODED_TOGETHER * read,
    Math.floor(budgetOf({ memory: left }, memory) / (4 * decodedFloats(config.text, tokens, 2))),
  );
}

/** How many pairs are swept together: no more than it takes to fill a batch with the `places` of a layer. */
export function pairsAtOnce(model: BlipModel, parts: SiteParts, tokens: number, places: number, memory?: number) {
  const { vision, text } = model.config;
  // Two passes, which are copied to lie together: the stream, and the image's keys and values, of every layer.
  const pass = 8 * text.hidden_size * (text.num_hidden_layers + 1) * (tokens + 2 * imageTokens(vision));
  const filled = Math.floor(patchesAtOnce(model, parts, tokens, memory) / Math.max(1, places));
  return Math.max(1, Math.min(filled, Math.floor(budgetOf(model, memory) / (8 * pass))));
}

const budgetOf = (model: Pick<BlipModel, "memory">, memory?: number) =>
  memory ?? Math.min(MOST_BYTES, model.memory ?? MOST_BYTES);

const megabytes = (bytes: number) => (bytes / 1e6).toPrecision(3);

/** What one patch takes at the widest place of its pass, in bytes: an upper bound, checked against measured peaks. */
export function patchBytes({ config }: BlipModel, { tower, tokensOf }: SiteParts, tokens: number): number {
  const { vision, text } = config;
  const image = imageTokens(vision);
  // Patched keys and values of the decoder cannot be folded away, and there is a row of them for each of the question's.
  const decoder = decodedFloats(text, tokens, tower === "decoder" && tokensOf === "text" ? 12 : 2);
  const kept = text.num_hidden_layers + DECODED_TOGETHER;
  const reading = layerFloats(text, tokens, image) + tokens * text.hidden_size * kept;
  // A patched picture has keys and values of its own for every layer of the text encoder.
  const seeing =
    layerFloats(vision, image, image) +
    image * vision.hidden_size * (vision.num_hidden_layers + 2 * text.num_hidden_layers);
  const widest = { decoder, text: Math.max(reading, decoder), vision: seeing + Math.max(reading, decoder) };
  return 4 * widest[tower];
}

/** Numbers of one patch in the decoder, which has `rows` for each token of the question. */
function decodedFloats(text: TowerConfig & { readonly vocab_size: number }, tokens: number, rows: number): number {
  return layerFloats(text, 1, tokens) + rows * tokens * text.hidden_size + 4 * text.vocab_size;
}

/** Numbers that one layer holds at once: its named values, and what its widest step needs beside them. */
function layerFloats(tower: TowerConfig, tokens: number, attended: number): number {
  const { hidden_size, intermediate_size, num_attention_heads } = tower;
  const pattern = num_attention_heads * tokens * Math.max(tokens, attended);
  return tokens * (44 * hidden_size + 6 * intermediate_size) + 6 * pattern;
}
