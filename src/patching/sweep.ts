import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";
import { blockOf } from "../model/blip.js";
import { valueAt } from "../model/block.js";
import { patchesAtOnce } from "./budget.js";
import { score } from "./metrics.js";
import type { Direction, Pair } from "./pair.js";
import { patchBatch, resolveSelection, type Spot, scorePasses, tokenCount } from "./patch.js";
import type { Position } from "./positions.js";
import { changesOneRow, resumeRows } from "./rows.js";
import { checkIndex, checkLayer, type Run, towerSize } from "./run.js";
import { type Axis, Scores } from "./scores.js";
import { parseSite, type Site, type SiteParts } from "./sites.js";

export interface SweepOptions {
  readonly site: Site;
  /** Default: all. */
  readonly layers?: readonly number[];
  /** Default: all, where the site has heads. */
  readonly heads?: readonly number[];
  /** Default `"all"`. */
  readonly position?: Position;
  /**
   * Patch all positions at once, so that the table has no token axis. Default: each by itself where they are the
   * question's tokens, together where they are the image's.
   */
  readonly together?: boolean;
  /** Default `denoise`. */
  readonly direction?: Direction;
  /** Bytes that the values of patches may take. Default: what loading the model left over, at most 512 MiB. */
  readonly memory?: number;
  /** Called after every batch with the patches done and the patches to do; at last both are equal. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two batches; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** A patch and its index along the axes of the table. */
interface Cell {
  readonly index: readonly number[];
  readonly spot: Spot;
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
  const together = options.together ?? parts.tokensOf === "vision";
  const layers = sweepCells(pair, parts, together, options);
  const scores = emptyScores(pair, parts, together, direction);
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

/** The patches by layer. */
function sweepCells(pair: Pair, parts: SiteParts, together: boolean, options: SweepOptions): Cell[][] {
  const { site, position = "all" } = options;
  const size = towerSize(pair.model, parts.tower);
  if (options.heads && !parts.perHead)
    throw new NoticeError("site", `${site} has no heads to choose from; leave heads out.`);
  const layers = options.layers ?? range(size.layers);
  const heads = parts.perHead ? (options.heads ?? range(size.heads)) : [undefined];
  if (layers.length === 0 || heads.length === 0)
    throw new NoticeError("options", "An empty set of layers or heads sweeps nothing; leave it out to sweep all.");
  for (const layer of layers) checkLayer(pair.model, parts.tower, layer);
  for (const head of heads) if (head !== undefined) checkIndex("head", head, size.heads, `the ${parts.tower} tower`);
  const { tokens } = resolveSelection(pair, { site, layer: layers[0]!, position });
  return layers.map((layer) =>
    heads.flatMap((head) =>
      (together ? [tokens] : tokens.map((token) => [token])).map((patched) => ({
        index: [layer, ...(head === undefined ? [] : [head]), ...(together ? [] : patched)],
        spot: { parts, layer, heads: head === undefined ? [] : [head], tokens: patched },
      })),
    ),
  );
}

function emptyScores(pair: Pair, parts: SiteParts, together: boolean, direction: Direction): Scores {
  const { layers, heads } = towerSize(pair.model, parts.tower);
  const count = tokenCount(pair, parts);
  const axes: [Axis, number][] = [["layer", layers]];
  if (parts.perHead) axes.push(["head", heads]);
  if (!together) axes.push(["token", count]);
  return new Scores({
    model: pair.modelName,
    direction,
    mode: pair.mode,
    site: parts.site,
    tokens: together ? pair.question.tokens : siteTokens(pair, parts),
    answers: pair.answers,
    ...pair.readings,
    axes: axes.map(([axis]) => axis),
    shape: axes.map(([, size]) => size),
  });
}

/** Names the positions of a site; the patches of an image by row and column. */
function siteTokens(pair: Pair, { tokensOf }: SiteParts): readonly string[] {
  if (tokensOf === "text") return pair.question.tokens;
  if (tokensOf === "decoder") return ["[DEC]"];
  const { vision } = pair.model.config;
  const side = vision.image_size / vision.patch_size;
  const patches = Array.from({ length: side ** 2 }, (_, patch) => `${Math.floor(patch / side)},${patch % side}`);
  return ["[CLS]", ...patches];
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
