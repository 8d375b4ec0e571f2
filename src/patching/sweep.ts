import { checkList, NoticeError } from "../base/errors.js";
import { keysOf } from "../base/options.js";
import { turn } from "../base/turn.js";
import { towerOf } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { attributeSites } from "./attribute.js";
import { passPatching, rowPatching, type Table } from "./batches.js";
import {
  decodedAtOnce,
  type Extent,
  extentOf,
  PASS_KEYS,
  type PassOptions,
  pairsAtOnce,
  patchesAtOnce,
} from "./budget.js";
import type { Span } from "./later-rows.js";
import { batchesByLayer, batchesByToken, livePlaces } from "./live.js";
import { checkMetrics, type MeasuredReading, type Metrics, readAnswers, score } from "./metrics.js";
import { checkPair, type Direction, type Pair } from "./pair.js";
import { changesOneRow } from "./rows.js";
import type { Run } from "./run.js";
import type { Scores } from "./scores.js";
import { parseSite, type SiteParts } from "./sites.js";
import type { Source } from "./sources.js";
import {
  type Cell,
  emptyScores,
  patchedTogether,
  placeAndOptions,
  type Readings,
  type SiteTable,
  type TableOptions,
  tableCells,
  type UncheckedTable,
} from "./table.js";

type UncheckedSweep = UncheckedTable & SweepCourse;

/** Which patches a sweep makes, and how. */
export type SweepOptions<A extends ArchitectureName = ArchitectureName, Own extends string = string> = SiteTable<A> &
  SweepCourse<Own>;

/** Options that limit a sweep. Every patch costs one forward pass. */
export interface SweepCourse<Own extends string = string> extends PassOptions {
  /** Where the values come from that are put in. Default: the other pass of the pair. */
  readonly source?: Source;
  /** Metrics of one's own, each with a table beside the four: functions of the logits, as `patchMetrics` takes them. */
  readonly metrics?: Metrics<Own>;
  /** Patch only this many places: those of which `attribute` expects the largest changes. Default: all. */
  readonly screen?: number;
}

/** What may stand in the place, or in the options after it. */
export type AfterPlace<Own extends string = string> = SweepCourse<Own> & Pick<TableOptions, "direction" | "together">;

export const SWEEP_KEYS = [
  ...PASS_KEYS,
  ...keysOf<Omit<SweepCourse, keyof PassOptions>>({ screen: true, source: true, metrics: true }),
];

/**
 * Patches every head (or row) at every layer and position, one at a time, and scores each. The table covers the whole
 * site; what `layers`, `heads` and `position` leave out is null in it.
 *
 * @throws NoticeError `site`, `options` or `memory` before anything is run.
 */
export async function sweep<A extends ArchitectureName, Own extends string = never>(
  pair: Pair<A>,
  place: SweepOptions<A, Own>,
  options?: AfterPlace<Own>,
): Promise<Scores<Own>>;
export async function sweep(pair: Pair, place: UncheckedSweep, options?: AfterPlace): Promise<Scores> {
  checkPair(pair);
  return (await sweepAll([pair], placeAndOptions("sweep", place, options, SWEEP_KEYS)))[0]!;
}

/**
 * Sweeps pairs of one model in the same passes: a pass of a small model costs more for its calls than for its rows.
 * Where pairs do not fit together (other sites than those that change one token of a question, questions of other
 * lengths) one after the other.
 *
 * @returns a table a pair, in their order.
 * @throws NoticeError as `sweep`.
 */
export async function sweepTogether<A extends ArchitectureName, Own extends string = never>(
  pairs: readonly Pair<A>[],
  place: SweepOptions<A, Own>,
  options?: AfterPlace<Own>,
): Promise<Scores<Own>[]>;
export async function sweepTogether(
  pairs: readonly Pair[],
  place: UncheckedSweep,
  options?: AfterPlace,
): Promise<Scores[]> {
  checkList("What sweepTogether sweeps", pairs, "[pair, pair]");
  return sweepAll(pairs, placeAndOptions("sweepTogether", place, options, SWEEP_KEYS));
}

async function sweepAll(pairs: readonly Pair[], options: UncheckedSweep): Promise<Scores[]> {
  if (pairs.length === 0) return [];
  checkMetrics("a sweep", options.metrics);
  if (options.source && options.screen !== undefined)
    throw new NoticeError("options", "screen expects the values of the pair's other pass; leave screen or source out.");
  for (const pair of pairs) checkPair(pair);
  const parts = parseSite(pairs[0]!.model, options.site);
  if (pairs.some(({ model }) => model !== pairs[0]!.model))
    throw new NoticeError("options", "These pairs are of different models; sweep those of one model together.");
  const places = pairs.map((pair) => tableCells(pair, parts, options));
  for (const [i, pair] of pairs.entries())
    patchesAtOnce(pair.model, parts, extentFrom(pair, parts, options, places[i]!), options.memory);
  const tables: Table[] = [];
  for (const [i, pair] of pairs.entries()) tables.push(await newTable(pair, parts, options, places[i]!));
  const byRow = goesByRow(pairs[0]!, parts, options);
  const fits = byRow && alike(tables) ? roomBeside(tables[0]!, parts, options) : 1;
  const placesOf = (some: readonly Table[]) => some.flatMap(({ layers }) => layers.flat()).length;
  for (let from = 0; from < tables.length; from += fits) {
    const done = placesOf(tables.slice(0, from));
    const onProgress = (more: number) => options.onProgress?.(done + more, placesOf(tables));
    await fillTables(tables.slice(from, from + fits), parts, { ...options, onProgress }, byRow);
  }
  return tables.map(({ scores }) => scores);
}

/** The fast way knows the values of the pair's other pass alone. */
function goesByRow({ model }: Pair, parts: SiteParts, options: UncheckedSweep): boolean {
  return !options.source && !patchedTogether(parts, options) && changesOneRow(model, parts);
}

/** What the costliest of these patches computes. */
function extentFrom(
  pair: Pair,
  parts: SiteParts,
  options: UncheckedSweep,
  layers: readonly (readonly Cell[])[],
): Extent {
  const fast = goesByRow(pair, parts, options) && towerOf(pair.model, parts.tower).causal;
  return { ...extentOf(pair), ...(fast && { from: spanOf(layers).first }) };
}

/** How many pairs such as this one are swept in the same passes to any gain. */
export function pairsInOnePass(pair: Pair, options: UncheckedSweep): number {
  placeAndOptions("sweep", options, undefined, SWEEP_KEYS);
  const parts = parseSite(pair.model, options.site);
  if (!goesByRow(pair, parts, options)) return 1;
  return roomBeside({ pair, layers: tableCells(pair, parts, options) }, parts, options);
}

/** How many such pairs fill a batch. */
function roomBeside(
  { pair, layers }: Pick<Table, "pair" | "layers">,
  parts: SiteParts,
  { memory }: Pick<UncheckedSweep, "memory">,
): number {
  // Patches of one token share the tokens before it, which are a pair's own.
  if (towerOf(pair.model, parts.tower).causal) return 1;
  const places = Math.max(...layers.map((cells) => cells.length));
  return pairsAtOnce(pair.model, parts, { ...extentOf(pair), places, memory });
}

async function newTable(pair: Pair, parts: SiteParts, options: UncheckedSweep, all: Cell[][]): Promise<Table> {
  const layers = options.screen === undefined ? all : await screened(pair, all, options, options.screen);
  const readings = await readingsOf(pair, options.metrics);
  return { pair, scores: emptyScores(pair, parts, options, readings), layers, readings, unchanged: [] };
}

/** What a pair's passes say, by the metrics of every sweep and others. */
async function readingsOf({ clean, corrupted, answers, readings }: Pair, metrics?: Metrics): Promise<Readings> {
  if (!metrics) return readings;
  const read = async ({ logits }: Run) => (await readAnswers(logits, answers, metrics))[0]!;
  return { clean: await read(clean), corrupted: await read(corrupted) };
}

/** Whether the pairs have as many tokens, and as many places in the same layers. */
function alike(tables: readonly Table[]): boolean {
  const shape = ({ pair, layers }: Table) =>
    `${[pair.question.tokens.length, ...layers.map((cells) => `${cells[0]!.spot.layer}:${cells.length}`)]}`;
  return new Set(tables.map(shape)).size === 1;
}

async function fillTables(
  tables: readonly Table[],
  parts: SiteParts,
  {
    direction = "denoise",
    source,
    metrics,
    memory,
    onProgress,
    signal,
  }: Omit<UncheckedSweep, "onProgress"> & { onProgress(done: number): void },
  byRow: boolean,
): Promise<void> {
  const { pair, layers } = tables[0]!;
  const extent = extentOf(pair);
  const sizeAt = (more: Partial<Extent> = {}) => patchesAtOnce(pair.model, parts, { ...extent, ...more }, memory);
  const span = byRow && towerOf(pair.model, parts.tower).causal ? spanOf(layers) : undefined;
  const read = sizeAt(span && { from: span.last });
  const most = decodedAtOnce(pair.model, parts.tower, { ...extent, read, memory });
  const how = { direction, source, metrics, signal };
  using patching = byRow ? rowPatching(tables, parts.tower, { ...how, most, span }) : passPatching(tables[0]!, how);
  const live = await livePlaces(tables, { any: source !== undefined, later: patching.later, signal });
  const batches = span
    ? batchesByToken(tables[0]!, live, (from) => sizeAt({ from }))
    : batchesByLayer(tables, live, Math.max(1, Math.floor(read / tables.length)));
  const left = batches.reduce((sum, batch) => sum + batch.flat().length, 0);
  let done = tables.length * layers.flat().length - left;
  if (left === 0) onProgress(done);
  for (const batch of batches) {
    await turn(signal);
    await patching.add(batch);
    done += batch.flat().length;
    if (batch === batches.at(-1)) await patching.finish();
    onProgress(done);
  }
  for (const { readings, scores, unchanged } of tables) {
    const [baseReading, sourceReading] = sidesOf(readings, direction);
    const unpatched = score(baseReading, baseReading, sourceReading);
    for (const { index } of unchanged) scores.set(index, unpatched);
  }
}

const sidesOf = (
  { clean, corrupted }: Readings,
  direction: Direction,
): [base: MeasuredReading, source: MeasuredReading] =>
  direction === "denoise" ? [corrupted, clean] : [clean, corrupted];

/** The cells of which most is expected, by layer. */
async function screened(
  pair: Pair,
  layers: readonly Cell[][],
  options: UncheckedSweep,
  most: number,
): Promise<Cell[][]> {
  if (!Number.isInteger(most) || most < 1)
    throw new NoticeError("options", `screen is ${most}; a whole number of places, at least 1, was expected.`);
  const [expected] = await attributeSites(pair, [options.site], { ...options, qkFix: true, onProgress: undefined });
  const size = ({ index }: Cell) => Math.abs(expected!.at("logitDiff", ...index)!);
  const chosen = new Set(
    layers
      .flat()
      .sort((a, b) => size(b) - size(a))
      .slice(0, most),
  );
  return layers.map((cells) => cells.filter((cell) => chosen.has(cell))).filter((cells) => cells.length > 0);
}

/** The tokens that these patches are at. */
function spanOf(layers: readonly (readonly Cell[])[]): Span {
  const tokens = layers.flat().map(({ spot }) => spot.tokens[0]!);
  return { first: tokens.reduce((a, b) => Math.min(a, b)), last: tokens.reduce((a, b) => Math.max(a, b)) };
}
