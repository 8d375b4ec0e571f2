import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";
import { blockOf } from "../model/blip.js";
import { valueAt } from "../model/block.js";
import { attribute } from "./attribute.js";
import { patchesAtOnce } from "./budget.js";
import { score } from "./metrics.js";
import type { Direction, Pair } from "./pair.js";
import { patchBatch, type Spot, scorePasses } from "./patch.js";
import { changesOneRow, resumeRows } from "./rows.js";
import type { Run } from "./run.js";
import type { Scores } from "./scores.js";
import { parseSite, type Site } from "./sites.js";
import { type Cell, emptyScores, patchedTogether, type TableOptions, tableCells } from "./table.js";

export interface SweepOptions extends TableOptions {
  readonly site: Site;
  /** Patch only this many places: those of which `attribute` expects the largest changes. Default: all. */
  readonly screen?: number;
  /** Bytes that the values of patches may take. Default: what loading the model left over, at most 512 MiB. */
  readonly memory?: number;
  /** Called after every batch with the patches done and the patches to do; at last both are equal. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two batches; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Patches every head (or row) at every layer and position, one at a time, and scores each. The table covers the whole
 * site; what `layers`, `heads` and `position` leave out is null in it.
 *
 * @throws NoticeError `site`, `options` or `memory` before anything is run.
 */
export async function sweep(pair: Pair, options: SweepOptions): Promise<Scores> {
  const { direction = "denoise", onProgress, signal } = options;
  const parts = parseSite(options.site);
  const together = patchedTogether(parts, options);
  const all = tableCells(pair, parts, options);
  const layers = options.screen === undefined ? all : await screened(pair, all, options, options.screen);
  const scores = emptyScores(pair, parts, options);
  const { baseReading, sourceReading } = pair.sides(direction);
  const unpatched = score(baseReading, baseReading, sourceReading);
  const scoreSpots = !together && changesOneRow(parts) ? scoreRows : scoreSeparately;
  const size = patchesAtOnce(pair.model, parts, pair.question.tokens.length, options.memory);
  const total = layers.flat().length;
  let done = 0;
  for (const cells of layers) {
    signal?.throwIfAborted();
    const changes = await whatDiffers(pair, cells[0]!.spot);
    const live = cells.filter(({ spot }) => changes(spot));
    for (const { index, spot } of cells) if (!changes(spot)) scores.set(index, unpatched);
    done += cells.length - live.length;
    if (live.length === 0) onProgress?.(done, total);
    for (let from = 0; from < live.length; from += size) {
      signal?.throwIfAborted();
      const batch = live.slice(from, from + size);
      const spots = batch.map(({ spot }) => spot);
      const found = await scoreSpots(pair, spots, direction);
      for (const [row, { index }] of batch.entries()) scores.set(index, found[row]!);
      done += batch.length;
      onProgress?.(done, total);
    }
  }
  return scores;
}

/** The cells of which most is expected, by layer. */
async function screened(pair: Pair, layers: readonly Cell[][], options: SweepOptions, most: number): Promise<Cell[][]> {
  if (!Number.isInteger(most) || most < 1)
    throw new NoticeError("options", `screen is ${most}; a whole number of places, at least 1, was expected.`);
  const expected = await attribute(pair, { ...options, qkFix: true });
  const size = ({ index }: Cell) => Math.abs(expected.at("logitDiff", ...index)!);
  const chosen = new Set(
    layers
      .flat()
      .sort((a, b) => size(b) - size(a))
      .slice(0, most),
  );
  return layers.map((cells) => cells.filter((cell) => chosen.has(cell))).filter((cells) => cells.length > 0);
}

const scoreSeparately = (pair: Pair, spots: readonly Spot[], direction: Direction) =>
  patchBatch(
    pair,
    spots.map((spot) => [spot]),
    direction,
  );

const scoreRows = (pair: Pair, spots: readonly Spot[], direction: Direction) =>
  scorePasses(pair, direction, (base, source) => resumeRows(pair.model, base.activations, source.activations, spots));

/** Whether the clean and the corrupted value differ anywhere that a spot of this site and layer patches. */
async function whatDiffers(pair: Pair, { parts, layer }: Spot): Promise<(spot: Spot) => boolean> {
  const value = ({ activations }: Run) => valueAt(blockOf(pair.model, activations, parts.tower, layer), parts.within);
  const largest = tf.tidy(() => tf.squeeze(tf.max(tf.abs(tf.sub(value(pair.clean), value(pair.corrupted))), -1), [0]));
  const differences = await largest.data(); // [token, head], [head, query] for a pattern, [token] without heads
  const [, inner = 1] = largest.shape as [number, number?];
  largest.dispose();
  const at = (token: number, head: number) =>
    differences[parts.isPattern ? head * inner + token : token * inner + head];
  return ({ heads, tokens }) =>
    tokens.some((token) => (parts.perHead ? heads : [0]).some((head) => at(token, head) !== 0));
}
