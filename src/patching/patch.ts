import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape, keysOf, namesOf } from "../base/options.js";
import type { ArchitectureName } from "../model/architectures.js";
import { type Gathered, givenAt, type Patches, resume } from "../model/pass.js";
import { inTurns, itself, type Steps } from "../model/steps.js";
import { type Metrics, measure, readAnswers, type Score, score, shareOfWay } from "./metrics.js";
import { checkPair, type Direction, type Pair } from "./pair.js";
import type { Run } from "./run.js";
import {
  checkSelection,
  headsOf,
  resolveSelection,
  roomOf,
  type Selection,
  type Spot,
  type UncheckedSelection,
  whereSpots,
} from "./selection.js";
import { sharedPass } from "./shared-rows.js";
import type { HeadSite } from "./sites.js";
import { fromRun, type Source, valuesFrom } from "./sources.js";

/** Which way a patch goes, and what it puts in. */
export interface PatchOptions {
  /** Default `denoise`. */
  readonly direction?: Direction;
  /** Where the values come from that are put in. Default: the other pass of the pair. */
  readonly source?: Source;
}

export const OPTION_KEYS = keysOf<PatchOptions>({ direction: true, source: true });

/**
 * @throws NoticeError `options` for a key that the function has not. @param more keys that it has beside those of a
 * patch.
 */
export function checkPatchOptions(of: string, options: unknown, more: readonly string[] = []): void {
  checkShape(of, options, { such: '{ direction: "noise" }', keys: [...OPTION_KEYS, ...more] });
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
  checkSelection("patchHead", selection, OPTION_KEYS);
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
  return (await patchBatch(pair, [resolveSelections(pair, selections)], { direction, source }))[0]!;
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
 * @example await patchMetrics(pair, selections, { kl: divergence(pair.clean.logits) })
 */
export async function patchMetrics<A extends ArchitectureName, Name extends string>(
  pair: Pair<A>,
  selections: readonly Selection<A>[],
  metrics: Metrics<Name>,
  options?: PatchOptions,
): Promise<Record<Name, Measured>>;
export async function patchMetrics<Name extends string>(
  pair: Pair,
  selections: readonly UncheckedSelection[],
  metrics: Metrics<Name>,
  options: PatchOptions = {},
): Promise<Record<Name, Measured>> {
  checkPair(pair);
  checkPatchOptions("patchMetrics", options);
  const { direction = "denoise", source } = options;
  const spots = resolveSelections(pair, selections);
  const { base, source: other } = pair.sides(direction);
  const logits = await inTurns(function* () {
    const patches = replacements(pair, source ?? fromRun(other), [spots]);
    return tf.concat([yield* resume(pair.model, base.activations, patches), base.logits, other.logits]);
  }, itself);
  try {
    const [patched, before, from] = await measure(logits, metrics);
    const measured = namesOf(metrics).map((name): [Name, Measured] => {
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
    checkSelection("patch", selection, OPTION_KEYS);
    return resolveSelection(pair, selection);
  });
}

/**
 * Scores of many patched passes in one: row i of the batch has the spots `batch[i]`. They go through the layers
 * from the first spot on, those that are patched alike so far as one, so keep together what begins at the same layer.
 */
export async function patchBatch(
  pair: Pair,
  batch: readonly (readonly Spot[])[],
  { direction, source, metrics, signal }: BatchOptions,
): Promise<Score[]> {
  const pass = (base: Run) =>
    source
      ? resume(pair.model, base.activations, replacements(pair, source, batch))
      : sharedPass(pair, { base, source: pair.sides(direction).source }, batch);
  return scorePasses(pair, pass, { direction, metrics, signal });
}

/** How a batch of passes is patched, and what is measured of each beside its score. */
export interface BatchOptions extends PatchOptions {
  readonly direction: Direction;
  readonly metrics?: Metrics;
  readonly signal?: AbortSignal;
}

/**
 * Scores of the logits [patch, vocabulary] that `pass` computes from the run that is patched; each with what `metrics`
 * say of them.
 */
export async function scorePasses(
  pair: Pair,
  pass: (base: Run) => Steps<tf.Tensor2D>,
  { direction, metrics, signal }: Omit<BatchOptions, "source">,
): Promise<Score[]> {
  const { base } = pair.sides(direction);
  const logits = await inTurns(() => pass(base), itself, signal);
  try {
    return await scoreLogits(pair, direction, logits, metrics);
  } finally {
    if (logits !== base.logits) logits.dispose();
  }
}

/** Scores of the logits [patch, vocabulary] of patched passes. */
export async function scoreLogits(
  pair: Pair,
  direction: Direction,
  logits: tf.Tensor2D,
  metrics?: Metrics,
): Promise<Score[]> {
  const { baseReading, sourceReading } = pair.sides(direction);
  const readings = await readAnswers(logits, pair.answers, metrics);
  return readings.map((patched) => score(patched, baseReading, sourceReading));
}

/** The values of `source` at the spots, as replacements for a batch of passes. Call inside a `tf.tidy`. */
function replacements(pair: Pair, source: Source, batch: readonly (readonly Spot[])[]): Patches {
  const patches: Gathered = {};
  for (const { parts, layer } of batch.flat()) {
    const given = givenAt(patches, parts.tower, layer);
    if (given[parts.within]) continue;
    const here = batch.map((spots) => spots.filter((spot) => spot.parts.site === parts.site && spot.layer === layer));
    given[parts.within] = {
      values: (computed) => valuesFrom(source, parts, layer, computed),
      where: whereSpots(here, parts, roomOf(pair, parts)),
    };
  }
  return patches;
}
