import * as tf from "@tensorflow/tfjs-core";
import { turn } from "../base/turn.js";
import { valueAt } from "../model/blocks/block.js";
import { blockOf } from "../model/pass.js";
import type { Patching, Table } from "./batches.js";
import type { Pair } from "./pair.js";
import type { Run } from "./run.js";
import type { Spot } from "./selection.js";
import type { Cell } from "./table.js";

/** The patches of a sweep that are made, in batches: of each table the same places. */
type Batch = readonly (readonly Cell[])[];

/**
 * The numbers of the places of each layer that a patch changes in any of the pairs; the others are listed as unchanged.
 *
 * @param any where nobody knows what is put in. @param later what the passes hold, where it is known better.
 */
export async function livePlaces(
  tables: readonly Table[],
  { any, later, signal }: { readonly any: boolean; readonly signal?: AbortSignal } & Pick<Patching, "later">,
): Promise<number[][]> {
  const found: number[][] = [];
  for (const layer of tables[0]!.layers.keys()) {
    await turn(signal);
    const live = new Set<number>();
    for (const { pair, layers, unchanged } of tables) {
      const changes = any ? () => true : await whatDiffers(pair, layers[layer]![0]!.spot, later);
      for (const [at, cell] of layers[layer]!.entries())
        if (changes(cell.spot)) live.add(at);
        else unchanged.push(cell);
    }
    found.push([...live].sort((a, b) => a - b));
  }
  return found;
}

/** Layer by layer, at most `size` patches of each table at once. */
export function batchesByLayer(tables: readonly Table[], live: readonly number[][], size: number): Batch[] {
  return live.flatMap((places, layer) =>
    chunks(places, size).map((batch) => tables.map(({ layers }) => batch.map((at) => layers[layer]![at]!))),
  );
}

/** Token by token, each from its first layer on. @param sizeFrom how many patches of a token go together. */
export function batchesByToken(
  { layers }: Table,
  live: readonly number[][],
  sizeFrom: (token: number) => number,
): Batch[] {
  const byToken = new Map<number, Cell[]>();
  for (const cell of live.flatMap((places, layer) => places.map((at) => layers[layer]![at]!))) {
    const [token] = cell.spot.tokens as [number];
    byToken.set(token, [...(byToken.get(token) ?? []), cell]);
  }
  return [...byToken].flatMap(([token, cells]) => {
    const ordered = [...cells].sort((a, b) => a.spot.layer - b.spot.layer);
    return chunks(ordered, sizeFrom(token)).map((batch) => [batch]);
  });
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Whether the clean and the corrupted value differ anywhere that a spot of this site and layer patches. */
async function whatDiffers(
  pair: Pair,
  { parts, layer }: Spot,
  later: Patching["later"],
): Promise<(spot: Spot) => boolean> {
  const value = ({ activations }: Run) => valueAt(blockOf(pair.model, activations, parts.tower, layer), parts.within);
  const largest = tf.tidy(() => {
    const [one, other] = later?.values(layer, parts.within) ?? [value(pair.clean), value(pair.corrupted)];
    return tf.squeeze(tf.max(tf.abs(tf.sub(one, other)), -1), [0]);
  });
  const differences = await largest.data(); // [token, head], [head, query] for a pattern, [token] without heads
  const [, inner = 1] = largest.shape as [number, number?];
  largest.dispose();
  const at = (token: number, head: number) =>
    differences[parts.isPattern ? head * inner + token : token * inner + head];
  return ({ heads, tokens }) =>
    tokens.some((token) => (parts.perHead ? heads : [0]).some((head) => at(token - (later?.first ?? 0), head) !== 0));
}
