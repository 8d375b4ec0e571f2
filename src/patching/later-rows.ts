import * as tf from "@tensorflow/tfjs-core";
import { type Network, towerOf } from "../model/architecture.js";
import { type BlockFunction, type BlockGiven, type BlockSite, valueAt } from "../model/blocks/block.js";
import type { KeysValues } from "../model/kernels/attention.js";
import { towerBlocks } from "../model/pass.js";
import type { Steps } from "../model/steps.js";
import type { ReadPass } from "./rows.js";
import type { Spot } from "./selection.js";

// The fast way for patches that change one token of a causal tower. Earlier tokens keep the unpatched pass's values;
// only their keys and values are needed: they are projected once, and all patches share them. The patches of a token go
// through the layers together, each from its own layer on. The patched layer computes one row, the layers after it the
// rows from that token on, and the last layer only the row from which the answer is read.

/** Which tokens are patched: none before `first` and none after `last`. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** One token's patches at a time, of a site of a causal tower. Dispose of it after use. */
export class LaterRows implements Disposable {
  readonly #base: Side;
  readonly #source: Side;
  /** The first token that is patched. */
  readonly first: number;

  /** @param base the pass that is patched. @param source the pass that the values come from. */
  constructor(
    model: Network,
    tower: string,
    { base, source }: { readonly base: ReadPass; readonly source: ReadPass },
    { first, last }: Span,
  ) {
    const turned = (keys: tf.Tensor) => towerOf(model, tower).turned?.(model, keys);
    const side = ({ contexts, stream }: ReadPass) =>
      new Side({ blocks: towerBlocks(model, tower, contexts), stream, longest: last, turned });
    [this.#base, this.#source] = [side(base), side(source)];
    this.first = first;
  }

  /** What both passes have at a site of a layer, from the first patched token on. Call inside a `tf.tidy`. */
  values(layer: number, within: BlockSite): [base: tf.Tensor, source: tf.Tensor] {
    return [this.#base, this.#source].map((side) => valueAt(side.rows(layer, this.first), within)) as [
      tf.Tensor,
      tf.Tensor,
    ];
  }

  /**
   * The row of the tower's last stream that the answer is read from, [patch, 1, width]. In steps.
   *
   * @param spots of one site and token, ordered by layer.
   */
  *read(spots: readonly Spot[]): Steps<tf.Tensor> {
    const { blocks } = this.#base;
    const token = spots[0]!.tokens[0]!;
    const last = blocks.length - 1;
    const begins = ({ layer, parts }: Spot) => (parts.within === "resid_pre" ? layer : layer + 1);
    let rows: tf.Tensor | undefined;
    for (let at = begins(spots[0]!); at <= last + 1; at++) {
      const before = rows;
      const joining = spots.filter((spot) => begins(spot) === at);
      rows = tf.tidy(() => {
        const more = joining.length === 0 ? [] : [this.#joining(joining, at)];
        const joined = [...(before ? [before] : []), ...(at > last ? more.map(lastRow) : more)];
        const x = joined.length === 1 ? joined[0]! : tf.concat(joined);
        if (at > last) return tf.clone(x);
        const past = this.#base.past(at, token);
        return at === last ? readRow(blocks[at]!, x, past) : blocks[at]!(x, { past }).stream.resid_post;
      });
      before?.dispose();
      yield;
    }
    return rows!;
  }

  [Symbol.dispose](): void {
    for (const side of [this.#base, this.#source]) side[Symbol.dispose]();
  }

  /** Patches of one layer as they enter layer `at`: [patch, row, width], from their token on. */
  #joining(spots: readonly Spot[], at: number): tf.Tensor {
    const [{ layer, parts, tokens }] = spots as [Spot];
    const token = tokens[0]!;
    const changed =
      parts.within === "resid_pre" ? rowsFrom(this.#source.stream[layer]!, token, 1) : this.#patchedRows(spots);
    return withLater(changed, this.#base.stream[at]!, token);
  }

  /** What the patched layer makes of the token, [patch, 1, width]; of patched keys or values, also of all after it. */
  #patchedRows(spots: readonly Spot[]): tf.Tensor {
    const [{ layer, parts, tokens }] = spots as [Spot];
    const token = tokens[0]!;
    const count = parts.within === "self.k" || parts.within === "self.v" ? undefined : 1;
    const values = valueAt(this.#source.rows(layer, token, { count }), parts.within);
    const given = { [parts.within]: replacement(values, spots) } as BlockGiven;
    return this.#base.rows(layer, token, { count, given }).stream.resid_post;
  }
}

/** A pass, its blocks, and the keys and values of its earlier tokens. */
class Side implements Disposable {
  readonly #known = new Map<number, KeysValues>();

  readonly blocks: readonly BlockFunction[];
  readonly stream: readonly tf.Tensor[];

  /** @param of.longest of all pasts, in tokens. @param of.turned keys by their positions. */
  constructor(
    private readonly of: {
      readonly blocks: readonly BlockFunction[];
      readonly stream: readonly tf.Tensor[];
      readonly longest: number;
      turned(keys: tf.Tensor): tf.Tensor | undefined;
    },
  ) {
    ({ blocks: this.blocks, stream: this.stream } = of);
  }

  /** Keys and values of the tokens before `token`. */
  past(layer: number, token: number): KeysValues[] {
    if (token === 0) return [];
    const { k, v, turned } = this.#project(layer);
    const before = (values: tf.Tensor) => tf.slice(values, [0, 0, 0, 0], [-1, token, -1, -1]);
    return [{ k: before(k), v: before(v), ...(turned && { turned: before(turned) }) }];
  }

  /** A layer over the rows from `token` on, or only so many. */
  rows(layer: number, token: number, { count, given }: { count?: number; given?: BlockGiven } = {}) {
    const x = rowsFrom(this.stream[layer]!, token, count);
    return this.blocks[layer]!(x, { past: this.past(layer, token), given });
  }

  #project(layer: number): KeysValues {
    const known = this.#known.get(layer);
    if (known) return known;
    const [k, v, turned] = tf.tidy(() => {
      const { self } = this.blocks[layer]!(rowsFrom(this.stream[layer]!, 0, this.of.longest));
      const turned = this.of.turned(self.k);
      return [self.k, self.v, ...(turned ? [turned] : [])].map((tensor) => tf.keep(tensor));
    }) as [tf.Tensor, tf.Tensor, tf.Tensor?];
    const projected = { k, v, ...(turned && { turned }) };
    this.#known.set(layer, projected);
    return projected;
  }

  [Symbol.dispose](): void {
    for (const known of this.#known.values()) tf.dispose({ ...known });
    this.#known.clear();
  }
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

const lastRow = (rows: tf.Tensor): tf.Tensor => rowsFrom(rows, rows.shape[1]! - 1);

/** Changed rows from `token` on, [patch, rows, width], and the unpatched ones [1, token, width] after them. */
function withLater(changed: tf.Tensor, stream: tf.Tensor, token: number): tf.Tensor {
  const [patches, rows] = changed.shape as [number, number];
  const later = rowsFrom(stream, token + rows);
  return later.shape[1] === 0 ? changed : tf.concat([changed, tf.tile(later, [patches, 1, 1])], 1);
}
