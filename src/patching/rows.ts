import * as tf from "@tensorflow/tfjs-core";
import { type Activations, type BlipModel, resume, towerBlocks } from "../model/blip.js";
import { type Block, type BlockFunction, type BlockGiven, type BlockSite, valueAt } from "../model/block.js";
import { blend } from "../model/values.js";
import type { Spot } from "./patch.js";
import type { SiteParts } from "./sites.js";

// The fast way for patches that change one token of the text encoder. Every value of a layer but the keys and values of
// self-attention belongs to one token, so in the patched layer one row is computed and the others are the unpatched pass's.
// In the layer after it only that row's q, k and v differ. From then on every row does, and the pass goes on as any other.

/** Whether patches of a site at one token each can go this way. */
export function changesOneRow({ tower, tokensOf, within }: SiteParts): boolean {
  return tower === "text" && tokensOf === "text" && within !== "self.k" && within !== "self.v";
}

/**
 * Logits [patch, vocabulary] of patches at one text site and layer, one token each. Call inside a `tf.tidy`.
 *
 * @param base the pass that is patched. @param source the pass that the values come from.
 */
export function resumeRows(
  model: BlipModel,
  base: Activations,
  source: Activations,
  spots: readonly Spot[],
): tf.Tensor2D {
  const { layer, parts } = spots[0]!;
  const blocks = towerBlocks(model, "text", base);
  const tokens = spots.map((spot) => spot.tokens[0]!);
  const replaceRows = rowReplacer(tokens);
  const sourceBlock = towerBlocks(model, "text", source)[layer]!(source.text[layer]!);
  const [after, rows] =
    parts.within === "resid_pre"
      ? [layer, takeRows(source.text[layer]!, tokens)]
      : [layer + 1, patchedRows(blocks[layer]!, base.text[layer]!, sourceBlock, spots)];
  const x = base.text[after]!;
  const output = after < blocks.length ? layerAfter(blocks[after]!, x, rows, replaceRows) : replaceRows(x, rows);
  const at = Math.min(after, blocks.length - 1);
  return resume(model, base, { text: new Map([[at, { resid_post: { values: output } }]]) });
}

/** The patched layer's output at each patch's token: [patch, 1, width]. */
function patchedRows(layer: BlockFunction, x: tf.Tensor, source: Block, spots: readonly Spot[]): tf.Tensor {
  const { within } = spots[0]!.parts;
  const tokens = spots.map((spot) => spot.tokens[0]!);
  const base = layer(x);
  const row = (site: BlockSite) => takeRows(valueAt(base, site), tokens, site);
  // What stands before the patched value in the layer is the unpatched pass's; the row still attends to all its tokens.
  const before = (): BlockGiven => {
    if (within.startsWith("self.")) return { "self.k": { values: base.self.k }, "self.v": { values: base.self.v } };
    if (within.startsWith("cross.")) return { resid_mid: { values: row("resid_mid") } };
    return within.startsWith("mlp.") ? { resid_cross: { values: row("resid_cross") } } : {};
  };
  const values = takeRows(valueAt(source, within), tokens, within);
  const given = { ...before(), [within]: { values: chooseHeads(row(within), values, spots) } };
  return layer(takeRows(x, tokens), given).stream.resid_post;
}

/** A layer's output [patch, token, width] where its input `x` [1, token, width] has one changed row a patch. */
function layerAfter(layer: BlockFunction, x: tf.Tensor, rows: tf.Tensor, replaceRows: RowReplacer): tf.Tensor {
  const [base, changed] = [layer(x).self, layer(rows).self];
  const given: BlockGiven = {
    "self.q": { values: replaceRows(base.q, changed.q) },
    "self.k": { values: replaceRows(base.k, changed.k) },
    "self.v": { values: replaceRows(base.v, changed.v) },
  };
  return layer(replaceRows(x, rows), given).stream.resid_post;
}

/** [1, token, …] with one row of each patch [patch, 1, …] in it -> [patch, token, …]. */
type RowReplacer = (base: tf.Tensor, rows: tf.Tensor) => tf.Tensor;

function rowReplacer(tokens: readonly number[]): RowReplacer {
  return (base, rows) => {
    const [, count, ...rest] = base.shape as [number, number, ...number[]];
    // Cast: asked for float32, wasm's oneHot writes integers and calls them floats.
    const where = tf.cast(tf.oneHot(tf.tensor1d([...tokens], "int32"), count), "float32");
    return blend(base, rows, tf.reshape(where, [tokens.length, count, ...rest.map(() => 1)]));
  };
}

/** [1, token, …] -> [patch, 1, …]: a token's row for each patch. A pattern [1, head, query, key] -> [patch, head, 1, key]. */
function takeRows(values: tf.Tensor, tokens: readonly number[], site?: BlockSite): tf.Tensor {
  const indices = tf.tensor1d([...tokens], "int32");
  if (site?.endsWith("pattern")) return tf.transpose(tf.gather(values, indices, 2), [2, 1, 0, 3]);
  return tf.expandDims(tf.gather(tf.squeeze(values, [0]), indices), 1);
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
