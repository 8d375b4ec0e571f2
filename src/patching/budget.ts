import { NoticeError } from "../base/errors.js";
import { keysOf } from "../base/options.js";
import { type Network, towerOf, towerSize, towersOf } from "../model/architecture.js";
import { towersAfter } from "./backward.js";
import type { Pair } from "./pair.js";
import { siteShape } from "./run.js";
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

export const PASS_KEYS = keysOf<PassOptions>({ memory: true, onProgress: true, signal: true });

/** What is computed together, in bytes: each of it, and what is held beside all of it. */
interface Bytes {
  readonly each: number;
  readonly fixed: number;
}

/**
 * So many times as many patches as are read together are decoded together: with a row a patch the decoder's products
 * are small, and tfjs-node's are half as fast below 300 rows where a row is a multiple of 4 KiB (docs/decisions.md).
 */
const DECODED_TOGETHER = 4;

/**
 * How many patches of a site go through the layers together.
 *
 * @param tokens of the question.
 * @param memory bytes for their values. Default: what loading the model left over, at most 512 MiB if one fits in that.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function patchesAtOnce(model: Network, parts: SiteParts, tokens: number, memory?: number): number {
  const bytes = { each: patchBytes(model, parts, tokens), fixed: 0 };
  return atOnce(model, bytes, memory, {
    what: `One patch of ${parts.site} takes about ${megabytes(bytes.each)} MB at ${tokens} tokens`,
    remedy:
      towerOf(model, parts.tower).tokens === "image"
        ? "Allow more memory."
        : "Allow more memory, or ask a shorter question.",
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
  model: Network,
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

/** How many patches whose rows of a tower are read, so many at once, go together through what comes after it. */
export function decodedAtOnce(
  model: Network,
  tower: string,
  { read, tokens, memory }: { readonly read: number; readonly tokens: number; readonly memory?: number },
): number {
  const each = Math.max(4 * model.architecture.readout.choices(model.config), floatsAfter(model, tower, tokens));
  return Math.min(DECODED_TOGETHER * read, Math.floor(budgetOf(model, memory) / (4 * each)));
}

/** How many pairs are swept together: no more than it takes to fill a batch with the `places` of a layer. */
export function pairsAtOnce(
  model: Network,
  parts: SiteParts,
  { tokens, places, memory }: { readonly tokens: number; readonly places: number; readonly memory?: number },
): number {
  const { layers, width } = towerSize(model, parts.tower);
  // Two passes, which are copied to lie together: the stream, and the keys and values that it attends to, of every
  // layer.
  const pass = 8 * width * (layers + 1) * (tokens + 2 * attendedCount(model, parts.tower, tokens));
  const filled = Math.floor(patchesAtOnce(model, parts, tokens, memory) / Math.max(1, places));
  return Math.max(1, Math.min(filled, Math.floor(budgetOf(model, memory) / (8 * pass))));
}

const budgetOf = (model: Network, memory?: number) => memory ?? Math.min(MOST_BYTES, model.memory ?? MOST_BYTES);

const megabytes = (bytes: number) => (bytes / 1e6).toPrecision(3);

/** What one patch takes at the widest place of its pass, in bytes: an upper bound, checked against measured peaks. */
export function patchBytes(model: Network, { tower, tokensOf }: SiteParts, tokens: number): number {
  // Patched keys and values cannot be folded away, and there is a row of them for each row that is attended to.
  const rows = tokensOf === tower ? 2 : 12;
  const own = floatsOf(model, tower, tokens, rows);
  const after = floatsAfter(model, tower, tokens);
  // A patched picture's keys and values, its own, live on in what comes after.
  return 4 * (towerOf(model, tower).tokens === "image" ? own + after : Math.max(own, after));
}

/** What gradients towards sites take, in bytes: an upper bound, checked against measured peaks. */
export function slopeBytes({ model, mode, clean, question }: Pair, sites: readonly SiteParts[]): Bytes {
  const count = question.tokens.length;
  let [image, widest, turned] = [0, 0, 0];
  for (const [name, tower] of towersOf(model)) {
    const { layers, width, mlpWidth } = tower.size(model.config);
    const [own, choices] = [tokenCount(model, name, count), readoutChoices(model, name)];
    const layer = layerFloats(model, name, count);
    // On wasm a product's gradient transposes the weights first.
    turned = Math.max(turned, width * Math.max(3 * mlpWidth, choices));
    if (tower.tokens === "image") {
      if (mode !== "image") continue;
      image += imageFloats(model, name);
      widest = Math.max(widest, layer * (sites.some((site) => site.tower === name) ? 3 : 1));
      continue;
    }
    // Differentiating a layer keeps what it computed beside the gradients; the narrower layers of text keep more small
    // things.
    const kept = tower.tokens === "question" ? 2 * own * width * layers : 0;
    widest = Math.max(widest, 4 * layer + kept + 4 * choices);
  }
  const size = (site: SiteParts) => siteShape(model, clean.activations, site).reduce((product, side) => product * side);
  const values = sites.map(size).reduce((sum, own) => sum + own, 0);
  const changes = sites.reduce((sum, site) => sum + size(site) * towerSize(model, site.tower).layers, 0);
  return { each: 4 * (2 * image + 4 * values + widest), fixed: 4 * (changes + turned) };
}

/** Numbers of one patch in a tower. @param rows that are held of each row that is attended to. */
function floatsOf(model: Network, name: string, tokens: number, rows = 2): number {
  const { tokens: kind, attends } = towerOf(model, name);
  const { layers, width } = towerSize(model, name);
  const layer = layerFloats(model, name, tokens);
  if (kind === "image") return layer + imageFloats(model, name);
  const own = tokenCount(model, name, tokens);
  // What waits for what comes after it.
  const kept = kind === "question" ? own * width * (layers + DECODED_TOGETHER) : 0;
  const attended = attends?.projection ? 0 : rows * attendedCount(model, name, tokens) * width;
  return layer + kept + attended + 4 * readoutChoices(model, name);
}

/** The same of the widest of the towers that a tower's stream reaches. */
function floatsAfter(model: Network, name: string, tokens: number): number {
  const after = towersAfter(model, new Set([name]));
  return Math.max(0, ...[...after].filter((one) => one !== name).map((one) => floatsOf(model, one, tokens)));
}

/** The streams of a picture, and its keys and values for every layer that attends to them. */
function imageFloats(model: Network, name: string): number {
  const { layers, width } = towerSize(model, name);
  const attending = towersOf(model)
    .filter(([, { attends }]) => attends?.tower === name)
    .map(([, { size }]) => size(model.config));
  const kept = attending.reduce((sum, { layers, width }) => sum + 2 * layers * width, layers * width);
  return tokenCount(model, name, 0) * kept;
}

/** Numbers that one layer holds at once: its named values, and what its widest step needs beside them. */
function layerFloats(model: Network, name: string, tokens: number): number {
  const { heads, width, mlpWidth } = towerSize(model, name);
  const own = tokenCount(model, name, tokens);
  const pattern = heads * own * Math.max(own, attendedCount(model, name, tokens));
  return own * (44 * width + 6 * mlpWidth) + 6 * pattern;
}

/** How many positions a tower has where the question has `tokens`. */
function tokenCount(model: Network, name: string, tokens: number): number {
  const tower = towerOf(model, name);
  return tower.tokens === "question" ? tokens : tower.names(model.config).length;
}

const attendedCount = (model: Network, name: string, tokens: number): number =>
  tokenCount(model, towerOf(model, name).attends?.tower ?? name, tokens);

/** What the readout gives, where it reads this tower. */
function readoutChoices({ architecture, config }: Network, name: string): number {
  return architecture.readout.tower === name ? architecture.readout.choices(config) : 0;
}
