import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import { turn } from "../base/turn.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { BlockGiven, BlockSite } from "../model/blocks/block.js";
import type { Replacement } from "../model/kernels/values.js";
import { type Patches, resume } from "../model/pass.js";
import { type LogitMetric, measure, readAnswers, type Score, score, shareOfWay } from "./metrics.js";
import { checkPair, type Direction, type Pair } from "./pair.js";
import { type Position, type PositionAt, resolvePosition } from "./positions.js";
import { checkIndex, checkLayer, countOf, headCount, indexes, type Run } from "./run.js";
import { type HeadSite, parseSite, type Site, type SiteParts } from "./sites.js";
import { fromRun, type Source, valuesFrom } from "./sources.js";

/**
 * What is taken from one pass and put into the other: a site in a layer, of its heads one, several, or all (the
 * default), of its positions all by default.
 */
export type Selection<A extends ArchitectureName = ArchitectureName, S extends Site<A> = Site<A>> = {
  readonly layer: number;
} & HeadsAt<A, S> &
  PositionAt<A, S>;

type HeadsAt<A extends ArchitectureName, S extends Site<A>> =
  | { readonly site: S & HeadSite<A>; readonly head?: HeadNumbers; readonly heads?: HeadNumbers }
  | { readonly site: S; readonly head?: undefined; readonly heads?: undefined };

/** One head or several; `head` and `heads` are two names of one thing. */
export type HeadNumbers = number | readonly number[];

/** A selection before it is known what goes with what. */
export interface UncheckedSelection {
  readonly site: string;
  readonly layer: number;
  readonly head?: HeadNumbers;
  readonly heads?: HeadNumbers;
  readonly position?: Position;
}

export const PLACE_KEYS = keysOf<UncheckedSelection>({
  site: true,
  layer: true,
  head: true,
  heads: true,
  position: true,
});

/** Which way a patch goes, and what it puts in. */
export interface PatchOptions {
  /** Default `denoise`. */
  readonly direction?: Direction;
  /** Where the values come from that are put in. Default: the other pass of the pair. */
  readonly source?: Source;
}

export const OPTION_KEYS = keysOf<PatchOptions>({ direction: true, source: true });

/** @throws NoticeError `options` for a key that no place has; `site` where heads are named twice. */
export function checkSelection(of: string, selection: unknown, options: readonly string[] = OPTION_KEYS): void {
  const such = '{ site: "text.cross.z", layer: 0 }';
  checkShape(`a place of ${of}`, selection, { such, keys: PLACE_KEYS, later: options });
}

/**
 * @throws NoticeError `options` for a key that the function has not. @param more keys that it has beside those of a
 * patch.
 */
export function checkPatchOptions(of: string, options: unknown, more: readonly string[] = []): void {
  checkShape(of, options, { such: '{ direction: "noise" }', keys: [...OPTION_KEYS, ...more] });
}

/** A selection as indices; `heads` is empty where the site has none. */
export interface Spot {
  readonly parts: SiteParts;
  readonly layer: number;
  readonly heads: readonly number[];
  readonly tokens: readonly number[];
}

/**
 * Patches one head and scores what comes back of the answer: NOTICE's activation patching (section 3.3), in one
 * continued pass.
 *
 * @throws NoticeError `site` where site, layer, head or position is not there.
 * @example (await patchHead(pair, { site: "text.cross.z", layer: 0, head: 0, position: "answer" })).effect
 */
export async function patchHead<A extends ArchitectureName>(
  pair: Pair<A>,
  selection: Selection<A, HeadSite<A>> & { readonly head: number },
  options?: PatchOptions,
): Promise<Score>;
export async function patchHead(pair: Pair, selection: UncheckedSelection, options: PatchOptions = {}): Promise<Score> {
  checkPair(pair);
  checkSelection("patchHead", selection);
  if (headsOf(selection)?.length !== 1 || Array.isArray(selection.head))
    throw new NoticeError(
      "site",
      "patchHead patches one head: give `head` its number. `patch` patches several, or all.",
    );
  return patchPlaces(pair, [selection], options);
}

/**
 * Patches any number of places at once, a whole layer or several among them, and scores the one pass that results.
 *
 * @throws NoticeError `site` where one of them is not there.
 */
export async function patch<A extends ArchitectureName>(
  pair: Pair<A>,
  selections: readonly Selection<A>[],
  options?: PatchOptions,
): Promise<Score>;
export async function patch(
  pair: Pair,
  selections: readonly UncheckedSelection[],
  options: PatchOptions = {},
): Promise<Score> {
  return patchPlaces(pair, selections, options);
}

async function patchPlaces(
  pair: Pair,
  selections: readonly UncheckedSelection[],
  options: PatchOptions,
): Promise<Score> {
  checkPair(pair);
  checkPatchOptions("patch", options);
  const { direction = "denoise", source } = options;
  return (await patchBatch(pair, [resolveSelections(pair, selections)], direction, source))[0]!;
}

/** What a metric says of a patched pass. */
export interface Measured {
  readonly patched: number;
  /** Of the pass that was patched, and of the pass that the values came from. */
  readonly base: number;
  readonly source: number;
  /** The share of the way from the one to the other; null where the way is shorter than `DEGENERATE`. */
  readonly effect: number | null;
}

/**
 * Patches any number of places at once, and computes the given metrics of the patched pass.
 *
 * @throws NoticeError `site` where one of the places is not there, `options` where none is selected.
 * @example await patchMetrics(pair, selections, { rank: rank(pair.answers.correct), kl: divergence(pair.clean.logits) })
 */
export async function patchMetrics<A extends ArchitectureName, Name extends string>(
  pair: Pair<A>,
  selections: readonly Selection<A>[],
  metrics: { readonly [name in Name]: LogitMetric },
  options?: PatchOptions,
): Promise<Record<Name, Measured>>;
export async function patchMetrics<Name extends string>(
  pair: Pair,
  selections: readonly UncheckedSelection[],
  metrics: { readonly [name in Name]: LogitMetric },
  options: PatchOptions = {},
): Promise<Record<Name, Measured>> {
  checkPair(pair);
  checkPatchOptions("patchMetrics", options);
  const { direction = "denoise", source } = options;
  const spots = resolveSelections(pair, selections);
  const { base, source: other } = pair.sides(direction);
  const logits = tf.tidy(() => {
    const patches = replacements(pair, source ?? fromRun(other), [spots]);
    return tf.concat([resume(pair.model, base.activations, patches), base.logits, other.logits]);
  });
  try {
    const [patched, before, from] = await measure(logits, metrics);
    const measured = (Object.keys(metrics) as Name[]).map((name): [Name, Measured] => {
      const [found, start, end] = [patched![name], before![name], from![name]];
      return [name, { patched: found, base: start, source: end, effect: shareOfWay(found - start, end - start) }];
    });
    return Object.fromEntries(measured) as Record<Name, Measured>;
  } finally {
    logits.dispose();
  }
}

function resolveSelections(pair: Pair, selections: readonly UncheckedSelection[]): Spot[] {
  checkPair(pair);
  if (!Array.isArray(selections) || selections.length === 0)
    throw new NoticeError(
      "options",
      'Nothing is selected; give a list of places to patch, such as [{ site: "text.cross.z", layer: 0 }].',
    );
  return selections.map((selection) => {
    checkSelection("patch", selection);
    return resolveSelection(pair, selection);
  });
}

/** The heads that a selection names, if it names any. */
function headsOf({ head, heads }: Pick<UncheckedSelection, "head" | "heads">): readonly number[] | undefined {
  if (head !== undefined && heads !== undefined)
    throw new NoticeError("site", "head and heads are two names of one thing; give one of the two.");
  const named = head ?? heads;
  if (named === undefined || typeof named === "number") return named === undefined ? undefined : [named];
  if (!Array.isArray(named))
    throw new NoticeError("site", `head is ${JSON.stringify(named)}; a number was expected, or several: [0, 2].`);
  return [...new Set(named)];
}

/** Checks a selection against the model and the question. */
export function resolveSelection(pair: Pair, selection: UncheckedSelection): Spot {
  const { site, layer, position = "all" } = selection;
  const named = headsOf(selection);
  const parts = parseSite(pair.model, site);
  checkLayer(pair.model, parts.tower, layer);
  const count = headCount(pair.model, parts);
  if (named && !parts.perHead)
    throw new NoticeError("site", `${site} has no heads; leave head out, or patch ${parts.tower}.self.z.`);
  const all = indexes(parts.perHead ? count : 0);
  const heads = named ?? all;
  for (const index of heads) checkIndex("head", index, count, `the ${parts.tower} tower`);
  if (parts.perHead && heads.length === 0) throw new NoticeError("site", "An empty set of heads patches nothing.");
  const question = parts.tokens === "question" ? pair.question : undefined;
  const tokens = resolvePosition(position, tokenCount(pair, parts), question, pair.answers);
  return { parts, layer, heads, tokens };
}

/** How many tokens a site has in this pair. */
export function tokenCount({ clean }: Pair, { tokensOf }: SiteParts): number {
  return countOf(clean.activations, tokensOf);
}

/**
 * Scores of many patched passes in one: row i of the batch has the spots `batch[i]`. All rows go through the layers
 * from the first spot on, so keep together what begins at the same layer.
 */
export async function patchBatch(
  pair: Pair,
  batch: readonly (readonly Spot[])[],
  direction: Direction,
  source: Source = fromRun(pair.sides(direction).source),
): Promise<Score[]> {
  return scorePasses(pair, direction, (base) =>
    resume(pair.model, base.activations, replacements(pair, source, batch)),
  );
}

/**
 * Scores of the logits [patch, vocabulary] that `pass` computes from the run that is patched and the values' source.
 */
export async function scorePasses(
  pair: Pair,
  direction: Direction,
  pass: (base: Run, source: Run) => tf.Tensor2D,
): Promise<Score[]> {
  const { base, source, baseReading, sourceReading } = pair.sides(direction);
  const logits = tf.tidy(() => pass(base, source));
  try {
    const readings = await readAnswers(logits, pair.answers);
    await turn();
    return readings.map((patched) => score(patched, baseReading, sourceReading));
  } finally {
    if (logits !== base.logits) logits.dispose();
  }
}

/** The values of `source` at the spots, as replacements for a batch of passes. Call inside a `tf.tidy`. */
function replacements(pair: Pair, source: Source, batch: readonly (readonly Spot[])[]): Patches {
  const patches: Record<string, Map<number, { [site in BlockSite]?: Replacement }>> = {};
  for (const { parts, layer } of batch.flat()) {
    patches[parts.tower] ??= new Map<number, BlockGiven>();
    const layers = patches[parts.tower]!;
    if (!layers.has(layer)) layers.set(layer, {});
    const given = layers.get(layer)!;
    if (given[parts.within]) continue;
    const here = batch.map((spots) => spots.filter((spot) => spot.parts.site === parts.site && spot.layer === layer));
    const values = valuesFrom(source, pair.clean, parts, layer);
    given[parts.within] = { values, where: whereSpots(pair, here, parts) };
  }
  return patches;
}

/**
 * 1 at the spots of each row: [row, token, head, 1], [row, head, query, 1] for a pattern, [row, token, 1] without
 * heads.
 */
export function whereSpots(pair: Pair, batch: readonly (readonly Spot[])[], parts: SiteParts): tf.Tensor {
  const { perHead, isPattern } = parts;
  const [tokens, heads] = [tokenCount(pair, parts), headCount(pair.model, parts)];
  const [first, second] = isPattern ? [heads, tokens] : [tokens, heads];
  const inner = perHead ? second : 1;
  const where = new Float32Array(batch.length * first * inner);
  batch.forEach((spots, row) => {
    for (const { heads, tokens } of spots)
      for (const token of tokens)
        if (!perHead) where[row * first + token] = 1;
        else
          for (const head of heads)
            where[(row * first + (isPattern ? head : token)) * inner + (isPattern ? token : head)] = 1;
  });
  return tf.tensor(where, perHead ? [batch.length, first, inner, 1] : [batch.length, first, 1]);
}
