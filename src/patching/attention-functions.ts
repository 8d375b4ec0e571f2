import { NoticeError } from "../base/errors.js";
import { meanOrNull, sum } from "../base/mean.js";
import type { Box, Picture } from "../pictures/picture.js";
import type { HeadPlace } from "./head-place.js";

/** Attention to a part of the image: the share of what falls on patches at all, [CLS] left out. */
export interface AttentionMass {
  readonly mass: number;
  /** What attention that is equal everywhere would put there. */
  readonly uniform: number;
}

/** Attention to the object that the question asks about. */
export interface ObjectAttention extends AttentionMass {
  /**
   * Chance that a patch in the object gets more attention than one outside; null where one of the two kinds is missing.
   */
  readonly auroc: number | null;
}

/** What one head does on one sample, read off its attention from the answer's token to the image. */
export interface HeadAttention {
  /** Null without a mask. */
  readonly object: ObjectAttention | null;
  /** Null where no patch is an outlier. */
  readonly outliers: AttentionMass | null;
}

/** A patch is in the object where the object covers at least this share of it. */
export const INSIDE = 0.5;

/** A patch is an outlier where its norm is this many standard deviations above the mean over patches. */
const OUTLYING = 2;

/**
 * The three functions that NOTICE (section 5) tells by eye, as numbers: *implicit image segmentation* puts more on the
 * object than uniform attention does, *object inhibition* less, *outlier inhibition* less on outlier patches. The [CLS]
 * column is dropped, and masses are shares of the rest.
 *
 * @param pattern of one head, [imageToken]: [CLS], then patches row by row.
 * @param norms of the image tokens, likewise.
 * @param shares how much of each patch the object covers, [patch], if that is known.
 * @throws NoticeError `options` where the three do not fit each other.
 */
export function headAttention(
  pattern: readonly number[],
  norms: readonly number[],
  shares?: readonly number[],
): HeadAttention {
  if (norms.length !== pattern.length || (shares && shares.length !== pattern.length - 1))
    throw new NoticeError(
      "options",
      `A pattern over ${pattern.length} image tokens needs as many norms and one share fewer; ${norms.length} norms` +
        `${shares ? ` and ${shares.length} shares` : ""} were given.`,
    );
  const attention = pattern.slice(1);
  const outliers = outlying(norms.slice(1)).map(Number);
  return {
    object: shares
      ? {
          ...massOn(attention, shares),
          auroc: auroc(
            attention,
            shares.map((share) => share >= INSIDE),
          ),
        }
      : null,
    outliers: outliers.includes(1) ? massOn(attention, outliers) : null,
  };
}

/** What means would be of attention that has nothing to do with the picture. */
export interface LookNulls {
  /** Where the middle 95% of mean AUROCs lie of attention that is noise, over as many samples. */
  readonly noise?: readonly [low: number, high: number] | null;
  /** Interval of 95% of how much more outliers get than uniform attention would put there. */
  readonly outlierExcess?: readonly [low: number, high: number] | null;
}

/** Means over samples; null where no sample has the number. */
export interface HeadFunction {
  /** Samples with a mask. */
  readonly objectSamples: number;
  readonly objectMass: number | null;
  readonly objectUniform: number | null;
  readonly auroc: number | null;
  /** Samples with at least one outlier patch. */
  readonly outlierSamples: number;
  readonly outlierMass: number | null;
  readonly outlierUniform: number | null;
}

/** What a head does over many samples. */
export function meanAttention(samples: readonly HeadAttention[]): HeadFunction {
  const objects = samples.flatMap(({ object }) => object ?? []);
  const outliers = samples.flatMap(({ outliers }) => outliers ?? []);
  return {
    objectSamples: objects.length,
    objectMass: meanOrNull(objects.map(({ mass }) => mass)),
    objectUniform: meanOrNull(objects.map(({ uniform }) => uniform)),
    auroc: meanOrNull(objects.flatMap(({ auroc }) => auroc ?? [])),
    outlierSamples: outliers.length,
    outlierMass: meanOrNull(outliers.map(({ mass }) => mass)),
    outlierUniform: meanOrNull(outliers.map(({ uniform }) => uniform)),
  };
}

/** What a head does, as NOTICE (section 5) tells it. */
export type HeadFunctionName = "segmentation" | "object inhibition" | "outlier inhibition";

/**
 * The least that a function must show beside its null; the paper has no thresholds. Two are AUROCs, one is a share of
 * uniform attention.
 */
export const FUNCTION_BOUNDS = { segmentation: 0.6, objectInhibition: 0.4, outlierInhibition: 0.5 } as const;

/**
 * Which of the three functions the means show. Segmentation: mass above uniform, AUROC at least its threshold and above
 * what noise gives. Object inhibition: the reverse. Outlier inhibition: outliers get at most the third threshold, and
 * surely less than uniform attention puts there. Nulls that are not known do not count.
 */
export function headFunctions(means: HeadFunction & LookNulls): HeadFunctionName[] {
  const { objectMass, objectUniform, auroc, outlierMass, outlierUniform, noise, outlierExcess } = means;
  const [low, high] = noise ?? [1, 0];
  const names: HeadFunctionName[] = [];
  if (objectMass !== null && objectUniform !== null && auroc !== null) {
    const segments = auroc >= FUNCTION_BOUNDS.segmentation && auroc > high;
    if (objectMass > objectUniform && segments) names.push("segmentation");
    const inhibits = auroc <= FUNCTION_BOUNDS.objectInhibition && auroc < low;
    if (objectMass < objectUniform && inhibits) names.push("object inhibition");
  }
  if (outlierMass !== null && outlierUniform !== null) {
    const isLow = outlierMass <= FUNCTION_BOUNDS.outlierInhibition * outlierUniform;
    if (isLow && (outlierExcess?.[1] ?? -1) < 0) names.push("outlier inhibition");
  }
  return names;
}

/**
 * How likely a score of the positive kind is larger than one of the other, ties counting half: the area under the ROC
 * curve by the rank formula (Hanley and McNeil 1982). Null where one kind is missing.
 */
export function auroc(scores: readonly number[], positive: readonly boolean[]): number | null {
  const count = positive.filter(Boolean).length;
  const others = scores.length - count;
  if (count === 0 || others === 0) return null;
  const order = scores.map((_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (positive[order[i]!]) rankSum += rank;
  }
  return (rankSum - (count * (count + 1)) / 2) / (count * others);
}

/**
 * A head's attention minus the mean over all heads of all layers: the paper's overlay. [row][column] of the patch grid;
 * the [CLS] column is dropped, and nothing is rescaled.
 *
 * @param patterns [layer][head][imageToken]
 * @throws NoticeError `site` where there is no such head.
 */
export function attentionOverlay(
  patterns: readonly (readonly (readonly number[])[])[],
  { layer, head }: HeadPlace,
): number[][] {
  const own = patterns[layer]?.[head];
  if (!own)
    throw new NoticeError(
      "site",
      `There is no head L${layer}H${head}: there are L0H0 to L${patterns.length - 1}H${(patterns[0]?.length ?? 0) - 1}.`,
    );
  const all = patterns.flat();
  const difference = own.map((value, at) => value - all.reduce((sum, pattern) => sum + pattern[at]!, 0) / all.length);
  const side = Math.sqrt(own.length - 1);
  return Array.from({ length: side }, (_, row) => difference.slice(1 + row * side, 1 + (row + 1) * side));
}

/**
 * How much of each patch an object covers, row by row, in [0, 1]. The picture is stretched over the grid, as the model
 * sees it.
 *
 * @param mask grey, 255 where the object is.
 * @param side patches on each side of the grid.
 * @param box what of the picture the grid is of. Default: all.
 */
export function patchShares(mask: Picture, side: number, box: Box = [0, 0, mask.width, mask.height]): number[] {
  const { width, data } = mask;
  const [x, y, wide, tall] = box;
  const [columns, rows] = [overlaps(x, wide, side), overlaps(y, tall, side)];
  return rows.flatMap((ys) =>
    columns.map((xs) => {
      let sum = 0;
      for (const [y, tall] of ys) for (const [x, wide] of xs) sum += tall * wide * data[3 * (y * width + x)]!;
      return sum / 255;
    }),
  );
}

/**
 * For each of `parts` equal stretches of a line of pixels: the pixels in it and the share of the stretch that each
 * fills.
 */
function overlaps(start: number, pixels: number, parts: number): (readonly [pixel: number, share: number])[][] {
  const edge = (part: number) => start + (part * pixels) / parts;
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [edge(part), edge(part + 1)];
    const first = Math.floor(from);
    // An edge between two pixels may be off it by a rounding.
    return Array.from({ length: Math.ceil(to - 1e-9) - first }, (_, i) => {
      const pixel = first + i;
      return [pixel, ((Math.min(to, pixel + 1) - Math.max(from, pixel)) * parts) / pixels] as const;
    });
  });
}

function outlying(norms: readonly number[]): boolean[] {
  const centre = meanOrNull(norms) ?? 0;
  const deviation = Math.sqrt(meanOrNull(norms.map((norm) => (norm - centre) ** 2)) ?? 0);
  return norms.map((norm) => norm > centre + OUTLYING * deviation);
}

/** A head that puts nothing on any patch treats them all alike. */
function massOn(attention: readonly number[], shares: readonly number[]): AttentionMass {
  const uniform = meanOrNull(shares) ?? 0;
  const total = sum(attention);
  const on = attention.reduce((sum, value, patch) => sum + value * shares[patch]!, 0);
  return { mass: total === 0 ? uniform : on / total, uniform };
}
