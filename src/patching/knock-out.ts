import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerOf, towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { blend } from "../model/kernels/values.js";
import { PASS_KEYS, type PassOptions } from "./budget.js";
import type { Score } from "./metrics.js";
import { checkPair, type Pair } from "./pair.js";
import { patchEach } from "./patch-each.js";
import { type Position, resolvePosition, tokenedAt } from "./positions.js";
import { countOf, indexes } from "./run.js";
import type { Scores } from "./scores.js";
import { type HeadNumbers, headsOf, resolveSelection, roomOf, type Spot, whereSpots } from "./selection.js";
import { parseSite, type Site } from "./sites.js";
import type { Source } from "./sources.js";
import { emptyScores } from "./table.js";

// Attention knock-out (Geva et al., 2304.14767): scores of attention from some tokens to others become minus infinity
// before the softmax. After it, that is to take away these entries and to divide the others by what is left.

/** The patterns of attention. */
export type PatternSite<A extends ArchitectureName = ArchitectureName> = Extract<Site<A>, `${string}.pattern`>;

/** Attention that is cut. */
export interface Cut<A extends ArchitectureName = ArchitectureName> {
  readonly site: PatternSite<A>;
  /** Tokens that do the attending. */
  readonly from: Position;
  /** Tokens that they no longer attend to. In cross-attention: of the tower that is attended to. */
  readonly to: Position;
  /** The first layer and the last. Default: all. */
  readonly layers?: readonly [number, number];
  /** Default: all. */
  readonly head?: HeadNumbers;
  /** The same. */
  readonly heads?: HeadNumbers;
}

const SUCH = '{ site: "text.self.pattern", from: "last", to: "image" }';
const CUT_KEYS = ["site", "from", "to", "layers", "head", "heads"];

/**
 * Cuts attention in the clean pass, all that is given at once. An `effect` of 1 is as bad as the corruption.
 *
 * @throws NoticeError `site`, `tokens` where one of the places is not there; `options` where a cut leaves a token
 * nothing to attend to, or cuts nothing.
 * @example await knockOut(pair, { site: "text.self.pattern", from: "last", to: "image", layers: [0, 1] })
 */
export async function knockOut<A extends ArchitectureName>(
  pair: Pair<A>,
  cuts: Cut<A> | readonly Cut<A>[],
): Promise<Score>;
export async function knockOut(pair: Pair, cuts: Cut | readonly Cut[]): Promise<Score> {
  checkPair(pair);
  const made = [cuts].flat().map((one) => resolveCut(pair, one));
  if (made.length === 0) throw new NoticeError("options", `Nothing is cut; give cuts such as ${SUCH}.`);
  return (await scoresOf(pair, made, [made.flatMap(({ spots }) => spots)]))[0]!;
}

/** Which layers are cut together. */
export interface WindowOptions extends PassOptions {
  /** How many layers, around each layer in turn; at the ends those that there are. Default: 1. */
  readonly window?: number;
}

/**
 * Cuts attention in a window of layers around each layer in turn, which says at which depth one set of tokens reads the
 * other.
 *
 * @returns a table over the layers, and `effect` as `knockOut`. The window of layer l begins at l - ⌊window / 2⌋.
 * @throws NoticeError as `knockOut`; `memory`
 * @example await sweepKnockOut(pair, { site: "text.self.pattern", from: "last", to: "image" }, { window: 3 })
 */
export async function sweepKnockOut<A extends ArchitectureName>(
  pair: Pair<A>,
  cut: Omit<Cut<A>, "layers">,
  options?: WindowOptions,
): Promise<Scores>;
export async function sweepKnockOut(pair: Pair, cut: Omit<Cut, "layers">, given: WindowOptions = {}): Promise<Scores> {
  checkPair(pair);
  checkShape("sweepKnockOut", given, { such: "{ window: 3 }", keys: ["window", ...PASS_KEYS] });
  const { window = 1, ...options } = given;
  if ((cut as Cut)?.layers !== undefined)
    throw new NoticeError(
      "options",
      "sweepKnockOut cuts around each layer in turn; leave layers out, or take knockOut.",
    );
  const made = resolveCut(pair, cut);
  const { parts } = made.spots[0]!;
  const { layers } = towerSize(pair.model, parts.tower);
  if (!(Number.isInteger(window) && window >= 1 && window <= layers))
    throw new NoticeError(
      "options",
      `window is ${JSON.stringify(window)}; a number of layers was expected, from 1 to the ${layers} of ${parts.tower}.`,
    );
  const windows = indexes(layers).map((layer) => {
    const first = layer - Math.floor(window / 2);
    return made.spots.slice(Math.max(0, first), first + window);
  });
  const scores = emptyScores(pair, { ...parts, perHead: false }, { direction: "noise", together: true });
  const found = await scoresOf(pair, [made], windows, options);
  for (const [layer, score] of found.entries()) scores.set([layer], score);
  return scores;
}

/** A cut as indices: a spot for each of its layers, whose tokens attend. */
interface ResolvedCut {
  readonly spots: readonly Spot[];
  readonly to: ReadonlySet<number>;
}

function resolveCut(pair: Pair, cut: Cut): ResolvedCut {
  checkShape("a cut", cut, { such: SUCH, keys: CUT_KEYS });
  const { site, from, to } = cut;
  const { model } = pair;
  const { tower, within, isPattern } = parseSite(model, site);
  if (!isPattern)
    throw new NoticeError("site", `${site} is no attention; give its pattern, such as ${tower}.self.pattern.`);
  if (from === undefined || to === undefined)
    throw new NoticeError("options", `A cut has tokens that attend, from, and tokens attended to, to: ${SUCH}.`);
  const { causal } = towerOf(model, tower);
  const keys = new Set(attendedTo(pair, cut).tokens);
  const [first, last] = cut.layers ?? [0, towerSize(model, tower).layers - 1];
  if (!(first <= last))
    throw new NoticeError(
      "site",
      `Layers ${first} to ${last} are no window; give the first and the last, such as [1, 2].`,
    );
  const heads = headsOf(cut);
  const spots = Array.from({ length: last - first + 1 }, (_, i) =>
    resolveSelection(pair, { site, layer: first + i, position: from, heads }),
  );
  const seen = (token: number) => within === "cross.pattern" || !causal || [...keys].some((key) => key <= token);
  if (!spots[0]!.tokens.some(seen))
    throw new NoticeError("options", `The cut of ${site} cuts nothing: none of the tokens attends to a later one.`);
  return { spots, to: keys };
}

/** The tokens that a cut is to, of how many, and of which tower. */
export function attendedTo({ model, question, answers, clean }: Pair, { site, to }: Cut) {
  const { tower: attending, within } = parseSite(model, site);
  const tower = within === "self.pattern" ? attending : towerOf(model, attending).attends!.tower;
  const count = countOf(clean.activations, tower);
  return {
    tower,
    count,
    tokens: resolvePosition(to, count, tokenedAt(towerOf(model, tower).tokens, question), answers),
  };
}

/** Of a pass for each row, cut at its spots. */
function scoresOf(
  pair: Pair,
  cuts: readonly ResolvedCut[],
  rows: readonly (readonly Spot[])[],
  options: PassOptions = {},
): Promise<Score[]> {
  const sites = cuts.map(({ spots }) => spots[0]!.parts);
  const source: Source = (parts, layer, pattern) =>
    cuts.reduce((cutSoFar, { spots, to }) => {
      const spot = spots.find((one) => one.layer === layer && one.parts.site === parts.site);
      if (!spot) return cutSoFar;
      const left = without(cutSoFar, spot, to, towerOf(pair.model, parts.tower).causal);
      return blend(cutSoFar, left, whereSpots([[spot]], parts, roomOf(pair, parts)));
    }, pattern);
  return patchEach(pair, rows, { spots: (row) => row, sites }, { direction: "noise", source, ...options });
}

/** Less than any float32, so that a row of which nothing is left stays a number until it is left out. */
const LEAST = 1e-37;

/** [batch, head, query, key] without the keys, each row again of sum 1. */
function without(pattern: tf.Tensor, spot: Spot, to: ReadonlySet<number>, causal: boolean): tf.Tensor {
  const [, , queries, keys] = pattern.shape as [number, number, number, number];
  // In a picture of several tiles, keys are those of the query's own.
  const tiled = spot.parts.within === "self.pattern" && keys < queries;
  const begin = (query: number) => (tiled ? Math.floor(query / keys) * keys : 0);
  for (const query of spot.tokens) {
    const own = Array.from({ length: keys }, (_, key) => begin(query) + key);
    const seen = causal && spot.parts.within === "self.pattern" ? own.filter((key) => key <= query) : own;
    if (seen.every((key) => to.has(key)))
      throw new NoticeError(
        "options",
        `The cut of ${spot.parts.site} leaves the token ${query} nothing to attend to. Leave one token out of to, or ` +
          `this one out of from; \`ablate\` takes away all that attention gives.`,
      );
  }
  const rows = tiled ? queries : 1;
  const kept = Float32Array.from({ length: rows * keys }, (_, i) =>
    to.has(begin(Math.floor(i / keys)) + (i % keys)) ? 0 : 1,
  );
  const left = tf.mul(pattern, tf.tensor(kept, [1, 1, rows, keys]));
  return tf.div(left, tf.maximum(tf.sum(left, -1, true), LEAST));
}
