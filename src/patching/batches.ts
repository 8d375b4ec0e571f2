import * as tf from "@tensorflow/tfjs-core";
import { inTurns, itself } from "../model/steps.js";
import { LaterRows, type Span } from "./later-rows.js";
import type { Pair } from "./pair.js";
import { type BatchOptions, patchBatch, scoreLogits } from "./patch.js";
import { decodeRows, disposePass, readRows, stackPasses } from "./rows.js";
import type { Scores } from "./scores.js";
import type { Spot } from "./selection.js";
import type { Cell, Readings } from "./table.js";

/** A pair's table with the places to fill, by layer. */
export interface Table {
  readonly pair: Pair;
  readonly scores: Scores;
  readonly layers: readonly (readonly Cell[])[];
  /** What both runs say, by all metrics of the table. */
  readonly readings: Readings;
  /** Places at which the passes do not differ, as they are found. */
  readonly unchanged: Cell[];
}

/**
 * Takes batches of places, a pair's in each row, and puts their scores into the tables, at the latest when it finishes.
 */
export interface Patching extends Disposable {
  /** Of patches that go through a causal tower in the fast way. */
  readonly later?: LaterRows;
  add(cells: readonly (readonly Cell[])[]): Promise<void>;
  finish(): Promise<void>;
}

/** Every batch by itself, of one pair. */
export function passPatching({ pair, scores }: Table, options: BatchOptions): Patching {
  return {
    async add([cells]) {
      const batch = cells!.map(({ spot }) => [spot]);
      for (const [row, found] of (await patchBatch(pair, batch, options)).entries())
        scores.set(cells![row]!.index, found);
    },
    async finish() {},
    [Symbol.dispose]() {},
  };
}

/** A batch that has gone through its tower: the cells of each table, and `hidden` [cell, token, width]. */
interface Encoded {
  readonly cells: readonly (readonly Cell[])[];
  readonly hidden: tf.Tensor;
}

/**
 * Each batch through `tower` in the fast way, then up to `most` patches together through what comes after it.
 *
 * @param span of the tokens that are patched, where the tower is causal.
 */
export function rowPatching(
  tables: readonly Table[],
  tower: string,
  {
    direction,
    metrics,
    signal,
    most,
    span,
  }: Omit<BatchOptions, "source"> & { readonly most: number; readonly span?: Span },
): Patching {
  const { model } = tables[0]!.pair;
  const sides = tables.map(({ pair }) => pair.sides(direction));
  // What comes after begins alike for every pair.
  const known = sides[0]!.base.activations;
  const base = stackPasses(
    sides.map(({ base }) => base.activations),
    tower,
  );
  const source = stackPasses(
    sides.map(({ source }) => source.activations),
    tower,
  );
  const later = span && new LaterRows(model, tower, { base, source }, span);
  const read = (spots: readonly Spot[]) => later?.read(spots) ?? readRows(model, base, source, spots);
  const waiting: Encoded[] = [];
  const count = () => waiting.reduce((sum, { hidden }) => sum + hidden.shape[0]!, 0);
  const clear = () => {
    tf.dispose(waiting.map(({ hidden }) => hidden));
    waiting.length = 0;
  };
  const finish = async () => {
    if (waiting.length === 0) return;
    const hidden = () => tf.concat(waiting.map(({ hidden }) => hidden));
    const logits = await inTurns(() => decodeRows(model, known, tower, hidden()), itself, signal);
    try {
      await fillTables(tables, { direction, metrics }, waiting, logits);
    } finally {
      logits.dispose();
      clear();
    }
  };
  return {
    ...(later && { later }),
    async add(cells) {
      if (count() + cells.flat().length > most) await finish();
      const spots = cells.flat().map(({ spot }) => spot);
      waiting.push({ cells, hidden: await inTurns(() => read(spots), itself, signal) });
    },
    finish,
    [Symbol.dispose]() {
      clear();
      later?.[Symbol.dispose]();
      if (tables.length > 1) for (const pass of [base, source]) disposePass(pass);
    },
  };
}

/** Scores of the logits [cell, vocabulary] of all these batches, one after the other. */
async function fillTables(
  tables: readonly Table[],
  { direction, metrics }: BatchOptions,
  batches: readonly Encoded[],
  logits: tf.Tensor2D,
): Promise<void> {
  const rows = batches.flatMap(({ cells }) => cells.flatMap((own, table) => own.map((cell) => ({ table, cell }))));
  for (const [table, { pair, scores }] of tables.entries()) {
    const own = [...rows.keys()].filter((row) => rows[row]!.table === table);
    const mine = own.length === rows.length ? tf.clone(logits) : tf.gather(logits, own);
    try {
      const found = await scoreLogits(pair, direction, mine, metrics);
      for (const [i, row] of own.entries()) scores.set(rows[row]!.cell.index, found[i]!);
    } finally {
      mine.dispose();
    }
  }
}
