import * as tf from "@tensorflow/tfjs-core";
import type { Network } from "../model/architecture.js";
import { type BlockFunction, type BlockGiven, valueAt } from "../model/blocks/block.js";
import type { KeysValues } from "../model/kernels/attention.js";
import { towerBlocks } from "../model/pass.js";
import type { ReadPass } from "./rows.js";
import type { Spot } from "./selection.js";

// The fast way for patches that change one token of a causal tower. Earlier tokens keep the unpatched pass's values;
// only their keys and values are needed, and all patches of a token share them. The patched layer computes one row. The
// layers after it compute the rows from that token on, and the last layer only the row from which the answer is read.

/**
 * The row of a causal tower's last stream that the answer is read from, [patch, 1, width], of patches at one of its
 * sites and layers, one token each. Call inside a `tf.tidy`.
 *
 * @param base the pass that is patched. @param source the pass that the values come from.
 * @param spots those of a token together.
 */
export function readLaterRows(model: Network, base: ReadPass, source: ReadPass, spots: readonly Spot[]): tf.Tensor {
  const { layer, parts } = spots[0]!;
  const [blocks, sourceBlocks] = [base, source].map(({ contexts }) => towerBlocks(model, parts.tower, contexts));
  const longest = Math.max(...spots.map(({ tokens }) => tokens[0]!));
  const sides: Sides = {
    base: earlier(blocks!, base, [...blocks!.keys()].slice(layer), longest),
    source: earlier(sourceBlocks!, source, [layer], longest),
  };
  const groups = groupedByToken(spots).map((group) => tf.tidy(() => lastRow(sides, group)));
  return groups.length === 1 ? groups[0]! : tf.concat(groups);
}

/** A pass, its blocks, and the keys and values of its earlier tokens. */
interface Side {
  readonly blocks: readonly BlockFunction[];
  readonly stream: readonly tf.Tensor[];
  /** Keys and values of the tokens before `token`, in a layer. */
  past(layer: number, token: number): KeysValues[];
}

interface Sides {
  readonly base: Side;
  readonly source: Side;
}

/** @param layers of which the past is asked. @param longest of all pasts, in tokens. */
function earlier(
  blocks: readonly BlockFunction[],
  { stream }: ReadPass,
  layers: readonly number[],
  longest: number,
): Side {
  const known = new Map<number, KeysValues>();
  if (longest > 0)
    for (const layer of layers) {
      const { k, v } = blocks[layer]!(rowsFrom(stream[layer]!, 0, longest)).self;
      known.set(layer, { k, v });
    }
  const before = (values: tf.Tensor, token: number) => tf.slice(values, [0, 0, 0, 0], [-1, token, -1, -1]);
  return {
    blocks,
    stream,
    past(layer, token) {
      if (token === 0) return [];
      const { k, v } = known.get(layer)!;
      return [{ k: before(k, token), v: before(v, token) }];
    },
  };
}

function groupedByToken(spots: readonly Spot[]): Spot[][] {
  const groups: Spot[][] = [];
  for (const spot of spots)
    if (groups.at(-1)?.at(0)?.tokens[0] === spot.tokens[0]) groups.at(-1)!.push(spot);
    else groups.push([spot]);
  return groups;
}

/** The same of patches of one token: [patch, 1, width]. */
function lastRow({ base, source }: Sides, spots: readonly Spot[]): tf.Tensor {
  const [{ layer, parts, tokens }] = spots as [Spot];
  const token = tokens[0]!;
  let rows: tf.Tensor;
  let at = layer;
  if (parts.within === "resid_pre")
    rows = withLater(rowsFrom(source.stream[layer]!, token, 1), base.stream[at]!, token);
  else {
    at = layer + 1;
    rows = tf.tidy(() => withLater(patchedRows({ base, source }, spots), base.stream[at]!, token));
  }
  const last = base.blocks.length - 1;
  for (; at < last; at++) {
    const [x, layer] = [rows, at];
    rows = tf.tidy(() => base.blocks[layer]!(x, { past: base.past(layer, token) }).stream.resid_post);
  }
  if (at > last) return rowsFrom(rows, rows.shape[1]! - 1);
  return readRow(base.blocks[last]!, rows, base.past(last, token));
}

/** What the patched layer makes of the token, [patch, 1, width]; of patched keys or values, also of all after it. */
function patchedRows({ base, source }: Sides, spots: readonly Spot[]): tf.Tensor {
  const [{ layer, parts, tokens }] = spots as [Spot];
  const token = tokens[0]!;
  const count = parts.within === "self.k" || parts.within === "self.v" ? undefined : 1;
  const block = ({ blocks, stream, past }: Side, given?: BlockGiven) =>
    blocks[layer]!(rowsFrom(stream[layer]!, token, count), { past: past(layer, token), given });
  const values = valueAt(block(source), parts.within);
  return block(base, { [parts.within]: replacement(values, spots) } as BlockGiven).stream.resid_post;
}

/** The source's value at the token, of which each patch takes its heads. */
function replacement(values: tf.Tensor, spots: readonly Spot[]) {
  const [{ parts }] = spots as [Spot];
  if (!parts.perHead) return { values: tf.tile(values, [spots.length, 1, 1]) };
  const heads = values.shape[parts.isPattern ? 1 : 2]!;
  const rows = parts.isPattern ? 1 : values.shape[1]!;
  const where = new Float32Array(spots.length * rows * heads);
  spots.forEach((spot, patch) => {
    for (const head of spot.heads) where[patch * rows * heads + head] = 1;
  });
  return {
    values,
    where: tf.tensor(where, parts.isPattern ? [spots.length, heads, 1, 1] : [spots.length, rows, heads, 1]),
  };
}

/** The last row of a layer's output, [patch, 1, width]: its other tokens are only keys and values. */
function readRow(block: BlockFunction, rows: tf.Tensor, past: readonly KeysValues[]): tf.Tensor {
  const others = rows.shape[1]! - 1;
  if (others === 0) return block(rows, { past }).stream.resid_post;
  const { k, v } = block(rowsFrom(rows, 0, others), { past }).self;
  return block(rowsFrom(rows, others), { past: [...past, { k, v }] }).stream.resid_post;
}

/** [patch, token, width] -> its rows from one on: all of them, or a given number. */
function rowsFrom(stream: tf.Tensor, token: number, count = -1): tf.Tensor {
  return tf.slice(stream, [0, token, 0], [-1, count, -1]);
}

/** Changed rows from `token` on, [patch, rows, width], and the unpatched ones [1, token, width] after them. */
function withLater(changed: tf.Tensor, stream: tf.Tensor, token: number): tf.Tensor {
  const [patches, rows] = changed.shape as [number, number];
  const later = rowsFrom(stream, token + rows);
  return later.shape[1] === 0 ? changed : tf.concat([changed, tf.tile(later, [patches, 1, 1])], 1);
}
