import { NoticeError } from "../errors.js";
import type { BlipModel } from "../model/blip.js";
import { imageTokens, type TowerConfig } from "../model/config.js";
import type { SiteParts } from "./sites.js";

/** More than this together is no faster, so no more is taken however much there is. */
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * How many patches of a site go through the layers together.
 *
 * @param tokens of the question.
 * @param memory bytes for their values. Default: what loading the model left over, at most 512 MiB.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function patchesAtOnce(model: BlipModel, parts: SiteParts, tokens: number, memory?: number): number {
  const bytes = patchBytes(model, parts, tokens);
  const budget = memory ?? Math.min(MOST_BYTES, model.memory ?? MOST_BYTES);
  if (bytes > budget)
    throw new NoticeError(
      "memory",
      `One patch of ${parts.site} takes about ${megabytes(bytes)} MB at ${tokens} tokens, and the budget is ${megabytes(budget)} MB. ` +
        (parts.tower === "vision" ? "Allow more memory." : "Allow more memory, or ask a shorter question."),
    );
  return Math.floor(budget / bytes);
}

const megabytes = (bytes: number) => (bytes / 1e6).toPrecision(3);

/** What one patch takes at the widest place of its pass, in bytes: an upper bound, checked against measured peaks. */
export function patchBytes({ config }: BlipModel, { tower, tokensOf }: SiteParts, tokens: number): number {
  const { vision, text } = config;
  const image = imageTokens(vision);
  // Patched keys and values of the decoder cannot be folded away, and there is a row of them for each of the question's.
  const answering = (tower === "decoder" && tokensOf === "text" ? 12 : 2) * tokens * text.hidden_size;
  const decoder = layerFloats(text, 1, tokens) + answering + 4 * text.vocab_size;
  const reading = layerFloats(text, tokens, image) + tokens * text.hidden_size * text.num_hidden_layers;
  // A patched picture has keys and values of its own for every layer of the text encoder.
  const seeing =
    layerFloats(vision, image, image) +
    image * vision.hidden_size * (vision.num_hidden_layers + 2 * text.num_hidden_layers);
  const widest = { decoder, text: Math.max(reading, decoder), vision: seeing + Math.max(reading, decoder) };
  return 4 * widest[tower];
}

/** Numbers that one layer holds at once: its named values, and what its widest step needs beside them. */
function layerFloats(tower: TowerConfig, tokens: number, attended: number): number {
  const { hidden_size, intermediate_size, num_attention_heads } = tower;
  const pattern = num_attention_heads * tokens * Math.max(tokens, attended);
  return tokens * (44 * hidden_size + 6 * intermediate_size) + 6 * pattern;
}
