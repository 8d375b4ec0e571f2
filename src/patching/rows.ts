import * as tf from "@tensorflow/tfjs-core";
import { type Context, type Network, towerOf } from "../model/architecture.js";
import {
  type Block,
  type BlockFunction,
  type BlockGiven,
  type BlockSite,
  valueAt,
  walking,
} from "../model/blocks/block.js";
import { takeRows } from "../model/kernels/take-rows.js";
import { blend } from "../model/kernels/values.js";
import { type Activations, contextOf, partsOf, resume, towerBlocks } from "../model/pass.js";
import type { Steps } from "../model/steps.js";
import type { Spot } from "./selection.js";
import type { SiteParts } from "./sites.js";

// The fast way for patches that change one token of a bidirectional tower. In a layer only self-attention mixes tokens.
// So the patched layer computes one row and takes all others from the unpatched pass. In the next layer only that row's
// q, k and v differ. In later layers every row differs, and the pass continues as usual.

// Pairs whose questions have the same number of tokens share a batch. Every pair has the same number of patches.

/** What passes know of one tower: [pair, …], one row a pair. */
export interface ReadPass {
  readonly stream: readonly tf.Tensor[];
  readonly contexts: readonly Context[];
}

/** A tower of several passes as one, of tensors of its own where they are several; `disposePass` frees them. */
export function stackPasses(passes: readonly Activations[], tower: string): ReadPass {
  const reads = passes.map(({ streams, contexts }) => ({ stream: streams[tower]!, contexts: contexts[tower]! }));
  const [first] = reads as [ReadPass];
  if (reads.length === 1) return first;
  return {
    stream: first.stream.map((_, layer) => tf.concat(reads.map(({ stream }) => stream[layer]!))),
    contexts: first.contexts.map((context, layer) =>
      contextOf(partsOf(context).map((_, i) => tf.concat(reads.map((read) => partsOf(read.contexts[layer]!)[i]!)))),
    ),
  };
}

export function disposePass({ stream, contexts }: ReadPass): void {
  tf.dispose([...stream, ...contexts.flatMap(partsOf)]);
}

/** Whether patches of a site at one token each can go this way, or that of causal towers. */
export function changesOneRow(model: Network, { tower, tokens, tokensOf, within }: SiteParts): boolean {
  if (tokens !== "question" || tokensOf !== tower) return false;
  if (towerOf(model, tower).causal) return model.architecture.readout.tower === tower;
  return within !== "self.k" && within !== "self.v";
}

/**
 * The tower's last stream, [patch, token, width], of patches at one of its sites and layers, one token each. In
 * steps.
 *
 * @param base the pass that is patched. @param source the pass that the values come from.
 * @param spots as many for each pair, one pair's after the other's.
 */
export function* readRows(model: Network, base: ReadPass, source: ReadPass, spots: readonly Spot[]): Steps<tf.Tensor> {
  const { layer, parts } = spots[0]!;
  const blocks = towerBlocks(model, parts.tower, base.contexts);
  const tokens = spots.map((spot) => spot.tokens[0]!);
  const replaceRows = rowReplacer(tokens);
  const sourceBlock = towerBlocks(model, parts.tower, source.contexts)[layer]!(source.stream[layer]!);
  const [after, rows] =
    parts.within === "resid_pre"
      ? [layer, tokenRows(source.stream[layer]!, tokens)]
      : [layer + 1, patchedRows(blocks[layer]!, base.stream[layer]!, sourceBlock, spots)];
  yield;
  const x = base.stream[after]!;
  const output = after < blocks.length ? layerAfter(blocks[after]!, x, rows, replaceRows) : replaceRows(x, rows);
  yield;
  return (yield* walking(blocks, output, after + 1)).at(-1)!;
}

/** Logits [patch, choice] of such patches of a tower, of any of its layers. In steps. */
export function decodeRows(model: Network, base: Activations, tower: string, hidden: tf.Tensor): Steps<tf.Tensor2D> {
  const last = base.streams[tower]!.length - 2;
  return resume(model, base, { [tower]: new Map([[last, { resid_post: { values: hidden } }]]) });
}

/** The patched layer's output at each patch's token: [patch, 1, width]. */
function patchedRows(layer: BlockFunction, x: tf.Tensor, source: Block, spots: readonly Spot[]): tf.Tensor {
  const { within } = spots[0]!.parts;
  const tokens = spots.map((spot) => spot.tokens[0]!);
  const base = layer(x);
  const row = (site: BlockSite) => tokenRows(valueAt(base, site), tokens, site);
  // Values before the patched one come from the unpatched pass; the row still attends to all of its tokens.
  const before = (): BlockGiven => {
    if (within.startsWith("self.")) return { "self.k": { values: base.self.k }, "self.v": { values: base.self.v } };
    if (within.startsWith("cross.")) return { resid_mid: { values: row("resid_mid") } };
    return within.startsWith("mlp.") ? { resid_cross: { values: row("resid_cross") } } : {};
  };
  const values = tokenRows(valueAt(source, within), tokens, within);
  const given = { ...before(), [within]: { values: chooseHeads(row(within), values, spots) } };
  return layer(tokenRows(x, tokens), { given }).stream.resid_post;
}

/** A layer's output [patch, token, width] where its input `x` [pair, token, width] has one changed row a patch. */
function layerAfter(layer: BlockFunction, x: tf.Tensor, rows: tf.Tensor, replaceRows: RowReplacer): tf.Tensor {
  const [base, changed] = [layer(x).self, layer(rows).self];
  const given: BlockGiven = {
    "self.q": { values: replaceRows(base.q, changed.q) },
    "self.k": { values: replaceRows(base.k, changed.k) },
    "self.v": { values: replaceRows(base.v, changed.v) },
  };
  return layer(replaceRows(x, rows), { given }).stream.resid_post;
}

/** [pair, token, …] with one row of each patch [patch, 1, …] in it -> [patch, token, …]. */
type RowReplacer = (base: tf.Tensor, rows: tf.Tensor) => tf.Tensor;

function rowReplacer(tokens: readonly number[]): RowReplacer {
  return (base, rows) => {
    const [pairs, count, ...rest] = base.shape as [number, number, ...number[]];
    // Cast: wasm's oneHot ignores the type float32 and writes the bits of integers.
    const where = tf.cast(tf.oneHot(tf.tensor1d([...tokens], "int32"), count), "float32"); // [patch, token]
    const ones = rest.map(() => 1);
    if (pairs === 1) return blend(base, rows, tf.reshape(where, [tokens.length, count, ...ones]));
    const each = tokens.length / pairs;
    const blended = blend(
      tf.reshape(base, [pairs, 1, count, ...rest]),
      tf.reshape(rows, [pairs, each, 1, ...rest]),
      tf.reshape(where, [pairs, each, count, ...ones]),
    );
    return tf.reshape(blended, [tokens.length, count, ...rest]);
  };
}

/**
 * [pair, token, …] -> [patch, 1, …]: a token's row for each patch. A pattern [pair, head, query, key] -> [patch, head,
 * 1, key].
 */
function tokenRows(values: tf.Tensor, tokens: readonly number[], site?: BlockSite): tf.Tensor {
  const isPattern = site?.endsWith("pattern");
  const byToken = isPattern ? tf.transpose(values, [0, 2, 1, 3]) : values;
  const [pairs, count, ...rest] = byToken.shape as [number, number, ...number[]];
  const at = tokens.map((token, patch) => Math.floor((patch * pairs) / tokens.length) * count + token);
  const rows = takeRows(tf.reshape(byToken, [pairs * count, ...rest]), at);
  return tf.expandDims(rows, isPattern ? 2 : 1);
}

/** The source's rows, or where the site has heads, only the heads of each patch. */
function chooseHeads(base: tf.Tensor, source: tf.Tensor, spots: readonly Spot[]): tf.Tensor {
  const { perHead, isPattern } = spots[0]!.parts;
  if (!perHead) return source;
  const heads = source.shape[isPattern ? 1 : 2]!;
  const where = new Float32Array(spots.length * heads);
  spots.forEach((spot, patch) => {
    for (const head of spot.heads) where[patch * heads + head] = 1;
  });
  return blend(base, source, tf.tensor(where, isPattern ? [spots.length, heads, 1, 1] : [spots.length, 1, heads, 1]));
}
