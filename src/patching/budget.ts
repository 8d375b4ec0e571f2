import { NoticeError } from "../errors.js";
import type { BlipModel } from "../model/blip.js";
import { imageTokens, type TowerConfig } from "../model/config.js";
import type { Pair } from "./pair.js";
import { siteShape, towerSize } from "./run.js";
import type { SiteParts } from "./sites.js";

/** More than this together is no faster, so no more is taken however much there is, unless one alone needs it. */
const MOST_BYTES = 512 * 1024 * 1024;

/** What many passes may take, what hears how far they are, and what ends them. */
export interface PassOptions {
  /** Bytes that the values of passes may take. Default: what loading the model left over, at most 512 MiB. */
  readonly memory?: number;
  /** Called after every batch with the passes done and the passes to do; at last both are equal. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two batches; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What is computed together, in bytes: each of it, and what is held beside all of it. */
interface Bytes {
  readonly each: number;
  readonly fixed: number;
}

/**
 * So many times as many patches as are read together are decoded together: with a row a patch the decoder's products are small, and
 * tfjs-node's are half as fast below 300 rows where a row is a multiple of 4 KiB (docs/decisions.md).
 */
const DECODED_TOGETHER = 4;

/**
 * How many patches of a site go through the layers together.
 *
 * @param tokens of the question.
 * @param memory bytes for their values. Default: what loading the model left over, at most 512 MiB if one fits in that.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function patchesAtOnce(model: BlipModel, parts: SiteParts, tokens: number, memory?: number): number {
  const bytes = { each: patchBytes(model, parts, tokens), fixed: 0 };
  return atOnce(model, bytes, memory, {
    what: `One patch of ${parts.site} takes about ${megabytes(bytes.each)} MB at ${tokens} tokens`,
    remedy: parts.tower === "vision" ? "Allow more memory." : "Allow more memory, or ask a shorter question.",
  });
}

/**
 * How many passes go through the layers together, forwards and backwards, for gradients towards these sites.
 *
 * @param memory as for patches.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function slopesAtOnce(pair: Pair, sites: readonly SiteParts[], memory?: number): number {
  const bytes = slopeBytes(pair, sites);
  return atOnce(pair.model, bytes, memory, {
    what:
      `One backward pass to ${sites.map(({ site }) => site).join(", ")} takes about ${megabytes(bytes.each)} MB, ` +
      `and ${megabytes(bytes.fixed)} MB are held beside it`,
    remedy: "Allow more memory, or ask for fewer sites at once.",
  });
}

function atOnce(
  model: BlipModel,
  { each, fixed }: Bytes,
  memory: number | undefined,
  { what, remedy }: { readonly what: string; readonly remedy: string },
): number {
  const most = memory ?? model.memory ?? Number.POSITIVE_INFINITY;
  if (!(each + fixed <= most))
    throw new NoticeError("memory", `${what}, and the budget is ${megabytes(most)} MB. ${remedy}`);
  const budget = budgetOf(model, memory);
  return Math.max(1, Math.floor((budget - fixed) / each));
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
  const seeing = layerFloats(vision, image, image) + imageFloats(config);
  const widest = { decoder, text: Math.max(reading, decoder), vision: seeing + Math.max(reading, decoder) };
  return 4 * widest[tower];
}

/** What gradients towards sites take, in bytes: an upper bound, checked against measured peaks. */
export function slopeBytes({ model, mode, clean, question }: Pair, sites: readonly SiteParts[]): Bytes {
  const { vision, text } = model.config;
  const tokens = question.tokens.length;
  const image = mode === "image" ? imageFloats(model.config) : 0;
  // Differentiating a layer keeps what it computed beside the gradients; the narrower layers of text keep more small things.
  const reading =
    4 * layerFloats(text, tokens, imageTokens(vision)) +
    2 * tokens * text.hidden_size * towerSize(model, "text").layers;
  const answering = 4 * layerFloats(text, 1, tokens) + 4 * text.vocab_size;
  const seeing =
    layerFloats(vision, imageTokens(vision), imageTokens(vision)) *
    (sites.some(({ tower }) => tower === "vision") ? 3 : 1);
  const size = (site: SiteParts) => siteShape(model, clean.activations, site).reduce((product, side) => product * side);
  const values = sites.map(size).reduce((sum, own) => sum + own, 0);
  const changes = sites.reduce((sum, site) => sum + size(site) * towerSize(model, site.tower).layers, 0);
  // On wasm a product's gradient transposes the weights first.
  const turned = Math.max(
    3 * vision.hidden_size * vision.intermediate_size,
    text.hidden_size * Math.max(3 * text.intermediate_size, text.vocab_size),
  );
  return {
    each: 4 * (2 * image + 4 * values + Math.max(mode === "image" ? seeing : 0, reading, answering)),
    fixed: 4 * (changes + turned),
  };
}

/** The streams of a picture, and its keys and values for every layer of the text encoder. */
function imageFloats({ vision, text }: BlipModel["config"]): number {
  return imageTokens(vision) * vision.hidden_size * (vision.num_hidden_layers + 2 * text.num_hidden_layers);
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
