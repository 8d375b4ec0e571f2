import { mean, middle95 } from "../base/mean.js";
import { random } from "../base/random.js";
import { pearson } from "./agreement.js";

// How alike two sets of heads, or two rankings of the same heads, are.

/** A correlation, and the 2.5th and 97.5th percentile of what resampled samples give. */
export interface Ranked {
  readonly correlation: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

const RESAMPLES = 1000;

/** Spearman's correlation: Pearson's of the ranks, ties having their mean rank. Null where one side is all ties. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  return pearson(ranks(a), ranks(b));
}

/**
 * Whether two sets of samples rank the same heads alike: the rank correlation of the means of |score|. For the interval
 * both are drawn again with replacement.
 *
 * @param a scores of one set, [sample][head]. @param b of the other, with as many heads.
 */
export function rankedAlike(a: readonly number[][], b: readonly number[][]): Ranked {
  const correlation = rankCorrelation(meanSizes(a), meanSizes(b));
  const choose = random(0, "compare");
  const drawn = (rows: readonly number[][]) => rows.map(() => choose.pick(rows));
  const found = Array.from({ length: RESAMPLES }, () => rankCorrelation(meanSizes(drawn(a)), meanSizes(drawn(b))))
    .filter((one) => one !== null)
    .sort((x, y) => x - y);
  const [low, high] = found.length > 0 ? middle95(found) : [null, null];
  return { correlation, low, high };
}

/**
 * How likely two sets of this size, drawn at random from so many heads, share at least so many: the upper tail of the
 * hypergeometric distribution.
 */
export function overlapChance(shared: number, a: number, b: number, heads: number): number {
  let chance = 0;
  for (let i = shared; i <= Math.min(a, b); i++)
    chance += Math.exp(logChoose(a, i) + logChoose(heads - a, b - i) - logChoose(heads, b));
  return Math.min(1, chance);
}

/**
 * Which share of the sum of mean |score| each quarter of a model's depth has: layer l of n lies at (l + ½)/n. It
 * compares models of different numbers of layers.
 *
 * @param layerShare each layer's share, as `Circuit` has it.
 */
export function depthShares(layerShare: readonly number[]): number[] {
  const quarters = [0, 0, 0, 0];
  for (const [layer, share] of layerShare.entries())
    quarters[Math.floor((4 * (layer + 0.5)) / layerShare.length)]! += share;
  return quarters;
}

const meanSizes = (rows: readonly number[][]) =>
  rows[0]!.map((_, head) => rows.reduce((sum, row) => sum + Math.abs(row[head]!), 0) / rows.length);

/** From 0; equal values share the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return values.map((value) => mean([sorted.indexOf(value), sorted.lastIndexOf(value)]));
}

/** Of n things k at a time; -∞ where that cannot be. */
function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let log = 0;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return log;
}
