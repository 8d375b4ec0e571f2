import * as tf from "@tensorflow/tfjs-core";
import { towerOf, upstreamOf } from "../model/architecture.js";
import type { BlockFunction, BlockGiven, BlockSite } from "../model/blocks/block.js";
import { takeRows } from "../model/kernels/take-rows.js";
import type { Replacement } from "../model/kernels/values.js";
import { resumeFrom } from "../model/pass.js";
import type { Steps } from "../model/steps.js";
import { valueIn } from "./kept-values.js";
import type { Pair } from "./pair.js";
import type { Run } from "./run.js";
import { roomOf, type Spot, whereSpots } from "./selection.js";

// Sets of heads often agree in their first layers: random sets of a circuit without a head in layer 0 all corrupt the
// same heads there. Until two passes of a batch differ they are one row of it.

/** The run that is patched, and the run that the values come from. */
interface Sides {
  readonly base: Run;
  readonly source: Run;
}

/**
 * The logits [row, choice] of patched passes in one batch, row i with the spots `batch[i]`. Rows that are patched alike
 * up to a layer share it. In steps.
 */
export function sharedPass(
  pair: Pair,
  { base, source }: Sides,
  batch: readonly (readonly Spot[])[],
): Steps<tf.Tensor2D> {
  const towers = new Map<string, Map<number, readonly (readonly Spot[])[]>>();
  for (const { parts, layer } of new Set(batch.flat())) {
    const layers = towers.get(parts.tower) ?? new Map<number, readonly (readonly Spot[])[]>();
    towers.set(parts.tower, layers);
    const here = (spot: Spot) => spot.layer === layer && spot.parts.tower === parts.tower;
    if (!layers.has(layer))
      layers.set(
        layer,
        batch.map((spots) => spots.filter(here)),
      );
  }
  const first = Object.fromEntries([...towers].map(([name, layers]) => [name, Math.min(...layers.keys())]));
  const given = (layer: number, spots: readonly (readonly Spot[])[]) => givenAt(pair, source, layer, spots);
  const walked = new Set<string>();
  return resumeFrom(pair.model, base.activations, first, (tower, blocks, x, from) => {
    const read = upstreamOf(towerOf(pair.model, tower));
    const apart = x.shape[0]! > 1 || (read !== undefined && walked.has(read));
    walked.add(tower);
    return walkShared(blocks, { x, from, rows: batch.length, apart, spots: towers.get(tower) ?? new Map(), given });
  });
}

interface Way {
  /** The input of layer `from`: one row for all passes, or a row each. */
  readonly x: tf.Tensor;
  readonly from: number;
  readonly rows: number;
  /** Whether every pass is a row of its own from the first layer on: what is upstream differs. */
  readonly apart: boolean;
  /** Of every pass, by layer. */
  readonly spots: ReadonlyMap<number, readonly (readonly Spot[])[]>;
  given(layer: number, spots: readonly (readonly Spot[])[]): BlockGiven;
}

function* walkShared(
  blocks: readonly BlockFunction[],
  { x, from, rows, apart, spots, given }: Way,
): Steps<readonly tf.Tensor[]> {
  const stream = [x];
  // The row of the stream that each pass is.
  let rowOf = Array.from({ length: rows }, (_, pass) => (apart ? pass : 0));
  for (let layer = from; layer < blocks.length; layer++) {
    const here = spots.get(layer);
    const passes = here ? firstAlike(rowOf, here) : undefined;
    const before = stream.at(-1)!;
    stream.push(
      tf.tidy(() => {
        if (!here || !passes) return blocks[layer]!(before).stream.resid_post;
        const input = rowsOf(
          before,
          passes.first.map((pass) => rowOf[pass]!),
        );
        const patched = given(
          layer,
          passes.first.map((pass) => here[pass]!),
        );
        return blocks[layer]!(input, { given: patched }).stream.resid_post;
      }),
    );
    if (passes) rowOf = passes.rowOf;
    yield;
  }
  const last = stream.at(-1)!;
  if (spots.size > 0) stream.push(takeRows(last, last.shape[0] === 1 ? rowOf.map(() => 0) : rowOf));
  return stream;
}

/** One row stays one: the layer's patches broadcast to it. */
const rowsOf = (x: tf.Tensor, rows: readonly number[]): tf.Tensor => (x.shape[0] === 1 ? x : takeRows(x, rows));

/** The first pass of each kind, by the row that it is and the spots that are patched next; and each pass's kind. */
function firstAlike(
  rowOf: readonly number[],
  spots: readonly (readonly Spot[])[],
): { first: number[]; rowOf: number[] } {
  const kinds = new Map<string, number>();
  const names = new Map<Spot, string>();
  const nameOf = (spot: Spot) => {
    const known = names.get(spot) ?? `${spot.parts.site} ${spot.heads} ${spot.tokens}`;
    names.set(spot, known);
    return known;
  };
  const first: number[] = [];
  const kindOf = rowOf.map((row, pass) => {
    const name = `${row} ${spots[pass]!.map(nameOf).join(";")}`;
    if (!kinds.has(name)) {
      kinds.set(name, kinds.size);
      first.push(pass);
    }
    return kinds.get(name)!;
  });
  return { first, rowOf: kindOf };
}

/** The source's values of a layer at each row's spots. What is replaced in every row is not computed. */
function givenAt(pair: Pair, source: Run, layer: number, rows: readonly (readonly Spot[])[]): BlockGiven {
  const given: { [site in BlockSite]?: Replacement } = {};
  for (const parts of new Map(rows.flat().map(({ parts }) => [parts.site, parts])).values()) {
    const { heads, tokens } = roomOf(pair, parts);
    const here = rows.map((spots) => spots.filter((spot) => spot.parts.site === parts.site));
    const isWhole = (spot: Spot) => spot.tokens.length === tokens && (!parts.perHead || spot.heads.length === heads);
    const values = valueIn(source, parts, layer);
    given[parts.within] = here.every((spots) => spots.some(isWhole))
      ? { values }
      : { values, where: whereSpots(here, parts, { heads, tokens }) };
  }
  return given;
}
