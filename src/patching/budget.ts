import { inUnitOf } from "../base/bytes.js";
import { NoticeError } from "../base/errors.js";
import { sum } from "../base/mean.js";
import { keysOf } from "../base/options.js";
import { type Network, towerOf, towerSize, towersOf } from "../model/architecture.js";
import { towersAfter } from "./backward.js";
import type { Pair } from "./pair.js";
import { countOf, headCount, siteShape } from "./run.js";
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

/** How much of a picture and a text a patched pass computes. */
export interface Extent {
  /** Of the question. */
  readonly tokens: number;
  /** Of the picture. Default: 1. */
  readonly tiles?: number;
  /** Where patches of one token go the fast way of causal towers: that token, before which nothing is computed. */
  readonly from?: number;
}

/** All of a pair's tokens and tiles. */
export function extentOf({ model, clean, question }: Pair): Extent {
  const seen = towersOf(model).find(([, { tokens }]) => tokens === "image");
  const tiles = seen && countOf(clean.activations, seen[0]) / seen[1].names(model.config).length;
  return { tokens: question.tokens.length, tiles };
}

/**
 * So many times as many patches as are read together are decoded together: with a row a patch the decoder's products
 * are small, and tfjs-node's are half as fast below 300 rows where a row is a multiple of 4 KiB (docs/decisions.md).
 */
const DECODED_TOGETHER = 4;

/**
 * How many patches of a site go through the layers together.
 *
 * @param memory bytes for their values. Default: what loading the model left over, at most 512 MiB if one fits in that.
 * @throws NoticeError `memory` where not even one fits, with the numbers.
 */
export function patchesAtOnce(model: Network, parts: SiteParts, extent: Extent, memory?: number): number {
  const { tokens, tiles = 1 } = extent;
  const bytes = { each: patchBytes(model, parts, extent), fixed: sharedBytes(model, parts, extent) };
  const cut = tiles > 1 ? ` and ${tiles} tiles` : "";
  const whole = tiles > 1 ? ", or take the picture whole (split: false, --no-split)" : "";
  const shorter = towerOf(model, parts.tower).tokens === "image" ? "" : ", or ask a shorter question";
  return atOnce(model, bytes, memory, {
    what: (size) => `One patch of ${parts.site} takes about ${size} at ${tokens} tokens${cut}`,
    remedy: `Allow more memory${whole}${shorter}.`,
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
    what: (size) => `One backward pass to ${sites.map(({ site }) => site).join(", ")} takes about ${size}`,
    remedy: "Allow more memory, or ask for fewer sites at once.",
  });
}

function atOnce(
  model: Network,
  { each, fixed }: Bytes,
  memory: number | undefined,
  { what, remedy }: { what(size: string): string; readonly remedy: string },
): number {
  const most = memory ?? model.memory ?? Number.POSITIVE_INFINITY;
  if (!(each + fixed <= most)) {
    const said = inUnitOf(most);
    const beside = fixed > 0 ? `, and ${said(fixed)} are held beside it` : "";
    throw new NoticeError("memory", `${what(said(each))}${beside}, and the budget is ${said(most)}. ${remedy}`);
  }
  return Math.max(1, Math.floor(Math.min(budgetOf(model, memory), most - fixed) / each));
}

/** How many patches whose rows of a tower are read, so many at once, go together through what comes after it. */
export function decodedAtOnce(
  model: Network,
  tower: string,
  { read, memory, ...extent }: Extent & { readonly read: number; readonly memory?: number },
): number {
  const each = Math.max(4 * model.architecture.readout.choices(model.config), floatsAfter(model, tower, extent));
  return Math.min(DECODED_TOGETHER * read, Math.floor(budgetOf(model, memory) / (4 * each)));
}

/** How many pairs are swept together: no more than it takes to fill a batch with the `places` of a layer. */
export function pairsAtOnce(
  model: Network,
  parts: SiteParts,
  { places, memory, ...extent }: Extent & { readonly places: number; readonly memory?: number },
): number {
  const { layers, width } = towerSize(model, parts.tower);
  // Two passes, which are copied to lie together: the stream, and the keys and values that it attends to, of every
  // layer.
  const pass = 8 * width * (layers + 1) * (extent.tokens + 2 * attendedCount(model, parts.tower, extent));
  const filled = Math.floor(patchesAtOnce(model, parts, extent, memory) / Math.max(1, places));
  return Math.max(1, Math.min(filled, Math.floor(budgetOf(model, memory) / (8 * pass))));
}

const budgetOf = (model: Network, memory?: number) => memory ?? Math.min(MOST_BYTES, model.memory ?? MOST_BYTES);

/** What one patch takes at the widest place of its pass, in bytes: an upper bound, checked against measured peaks. */
export function patchBytes(model: Network, { tower, tokensOf, isPattern }: SiteParts, extent: Extent): number {
  // Patched keys and values cannot be folded away, and there is a row of them for each row that is attended to.
  const rows = tokensOf === tower ? 2 : 12;
  const own = floatsOf(model, tower, extent, { rows, isPattern });
  const after = floatsAfter(model, tower, extent);
  // A patched picture's keys and values, its own, live on in what comes after.
  return 4 * (towerOf(model, tower).tokens === "image" ? own + after : Math.max(own, after));
}

/** What all patches of a causal tower share in the fast way: both passes' keys and values of all layers. */
function sharedBytes(model: Network, { tower }: SiteParts, { tokens, from }: Extent): number {
  if (from === undefined) return 0;
  const { layers, width, heads, headDim = width / heads } = towerSize(model, tower);
  return 4 * 2 * 2 * layers * tokens * headCount(model, { tower, within: "self.k" }) * headDim;
}

/** What gradients towards sites take, in bytes: an upper bound, checked against measured peaks. */
export function slopeBytes(pair: Pair, sites: readonly SiteParts[]): Bytes {
  const { model, mode, clean } = pair;
  const extent = extentOf(pair);
  let [image, widest, turned] = [0, 0, 0];
  for (const [name, tower] of towersOf(model)) {
    const { layers, width, mlpWidth } = tower.size(model.config);
    const [own, choices] = [tokenCount(model, name, extent), readoutChoices(model, name)];
    const layer = layerFloats(model, name, extent);
    // On wasm a product's gradient transposes the weights first.
    turned = Math.max(turned, width * Math.max(3 * mlpWidth, choices));
    if (tower.tokens === "image") {
      if (mode !== "image") continue;
      image += imageFloats(model, name, extent);
      widest = Math.max(widest, layer * (sites.some((site) => site.tower === name) ? 3 : 1));
      continue;
    }
    // Differentiating a layer keeps what it computed beside the gradients; the narrower layers of text keep more small
    // things.
    const kept = tower.tokens === "question" ? 2 * own * width * layers : 0;
    widest = Math.max(widest, 4 * layer + kept + 4 * choices);
  }
  const size = (site: SiteParts) => siteShape(model, clean.activations, site).reduce((product, side) => product * side);
  const values = sum(sites.map(size));
  const changes = sites.reduce((sum, site) => sum + size(site) * towerSize(model, site.tower).layers, 0);
  return { each: 4 * (2 * image + 4 * values + widest), fixed: 4 * (changes + turned) };
}

/** What of a site's patches makes a tower take more. */
interface Held {
  /** So many of each row that is attended to. Default: its key and value. */
  readonly rows?: number;
  /** The patterns of all tiles at once. */
  readonly isPattern?: boolean;
}

/** Numbers of one patch in a tower. */
function floatsOf(model: Network, name: string, extent: Extent, { rows = 2, isPattern }: Held = {}): number {
  const { tokens: kind, attends } = towerOf(model, name);
  const { layers, width } = towerSize(model, name);
  const layer = layerFloats(model, name, extent, isPattern);
  if (kind === "image") return layer + imageFloats(model, name, extent);
  // What waits for what comes after it: of a fast causal tower the row that is read.
  const [own, streams] = extent.from === undefined ? [tokenCount(model, name, extent), layers] : [1, 0];
  const kept = kind === "question" ? own * width * (streams + DECODED_TOGETHER) : 0;
  const attended = attends?.projection ? 0 : rows * (attendedCount(model, name, extent) - (extent.from ?? 0)) * width;
  return layer + kept + attended + 4 * readoutChoices(model, name);
}

/** The same of the widest of the towers that a tower's stream reaches. */
function floatsAfter(model: Network, name: string, extent: Extent): number {
  const after = towersAfter(model, new Set([name]));
  return Math.max(0, ...[...after].filter((one) => one !== name).map((one) => floatsOf(model, one, extent)));
}

/** The streams of a picture, and its keys and values for every layer that attends to them. */
function imageFloats(model: Network, name: string, extent: Extent): number {
  const { layers, width } = towerSize(model, name);
  const attending = towersOf(model)
    .filter(([, { attends }]) => attends?.tower === name)
    .map(([, { size }]) => size(model.config));
  const kept = attending.reduce((sum, { layers, width }) => sum + 2 * layers * width, layers * width);
  return tokenCount(model, name, extent) * kept;
}

/** Numbers that one layer holds at once: its named values, and what its widest step needs beside them. */
function layerFloats(model: Network, name: string, extent: Extent, isPattern = false): number {
  const { heads, width, mlpWidth } = towerSize(model, name);
  const { tokens, names } = towerOf(model, name);
  const own = computedCount(model, name, extent);
  // Attention goes tile by tile.
  const [queries, keys] =
    tokens === "image"
      ? [isPattern ? own : names(model.config).length, names(model.config).length]
      : [own, Math.max(own, attendedCount(model, name, extent))];
  return own * (44 * width + 6 * mlpWidth) + 6 * heads * queries * keys;
}

/** How many positions a tower has where the question has `tokens`. */
function tokenCount(model: Network, name: string, { tokens, tiles }: Extent): number {
  const tower = towerOf(model, name);
  return tower.tokens === "question" ? tokens : tower.names(model.config, tiles).length;
}

/** Of how many of them a patch computes rows. */
const computedCount = (model: Network, name: string, extent: Extent): number =>
  tokenCount(model, name, extent) - (extent.from ?? 0);

const attendedCount = (model: Network, name: string, extent: Extent): number =>
  tokenCount(model, towerOf(model, name).attends?.tower ?? name, extent);

/** What the readout gives, where it reads this tower. */
function readoutChoices({ architecture, config }: Network, name: string): number {
  return architecture.readout.tower === name ? architecture.readout.choices(config) : 0;
}
