import { checkList, checkObject, NoticeError } from "../base/errors.js";
import { mean, middle95, sum } from "../base/mean.js";
import { checkShape } from "../base/options.js";
import { type Random, random } from "../base/random.js";

/** One score for each head, [layer][head]; null if there is none (a degenerate sample has no effect). */
export type HeadScores = readonly (readonly (number | null)[])[];

/** Statistics of one head over the samples. */
export interface HeadStatistics {
  readonly layer: number;
  readonly head: number;
  /** Mean of |score| over the samples: what the paper ranks heads by. */
  readonly mean: number;
  /** Mean of the score itself: negative where the head works against the answer. */
  readonly signedMean: number;
  /** Standard deviation of the score over the samples. */
  readonly std: number;
  /** Bootstrap interval of `mean`, 95%. */
  readonly low: number;
  readonly high: number;
  /** p-value: the head carries no more than the average head of its sample (one-sided sign-flip test). */
  readonly pValue: number;
  /** The paper's rule: `mean` is at least two standard deviations above the mean over all heads. */
  readonly inCircuit: boolean;
  /**
   * Benjamini and Hochberg: among the heads for which this holds, the expected share of false ones is at most `rate`.
   */
  readonly inControlled: boolean;
}

/** The heads of a model, and which of them carry the answer on a set of samples. */
export interface Circuit {
  /** Samples that count. */
  readonly samples: number;
  /** Samples left out, because a score of theirs is null. */
  readonly degenerate: number;
  /** Mean plus two standard deviations, over heads, of `mean`. */
  readonly threshold: number;
  /** Those that were patched, by layer, then head. Empty where no sample counts. */
  readonly heads: readonly HeadStatistics[];
  /** Each layer's part of the sum of `mean` over all heads; 0 where that sum is 0. */
  readonly layerShare: readonly number[];
}

/** Those in the circuit, the strongest first. */
export const circuitHeads = ({ heads }: Circuit): HeadStatistics[] =>
  heads.filter(({ inCircuit }) => inCircuit).sort((a, b) => b.mean - a.mean);

/** How the uncertainty of a circuit is estimated. */
export interface CircuitOptions {
  /** Seed of the bootstrap and the sign flips. Default 0. */
  readonly seed?: number;
  /**
   * Resamples of each. Default 2,000. The sign flips take more if the controlled rule needs them to find a single head.
   */
  readonly resamples?: number;
  /** False discovery rate of `inControlled`. Default 0.05. */
  readonly rate?: number;
  /**
   * Which heads were patched, [layer][head]. The scores of all others are estimates: they count in the mean over heads
   * and as hypotheses that are never rejected, and such a head is in no circuit. Default: all.
   */
  readonly patched?: readonly (readonly boolean[])[];
}

/**
 * Finds the circuit of a data set: the heads that carry the answer, from every head's score at the answer's token in
 * each sample. The rule `mean + 2 std` over heads is the paper's (section 4; its notebook's `np.std` divides by the
 * number of heads).
 *
 * @throws NoticeError `options` where the samples' tables have different shapes, or `resamples` or `rate` is out of
 * range.
 */
export function findCircuit(samples: readonly HeadScores[], options: CircuitOptions = {}): Circuit {
  checkList("The samples of findCircuit", samples, "[scores, scores]");
  checkShape("findCircuit", options, { such: "{ seed: 1 }", keys: ["seed", "resamples", "rate", "patched"] });
  const { seed = 0, resamples = 2000, rate = 0.05, patched } = options;
  checkRule(resamples, rate);
  const shape = shapeOf(samples);
  const rows = samples.map((scores) => scores.flat()).filter((row): row is number[] => !row.includes(null));
  const places = shape.flatMap((heads, layer) => Array.from({ length: heads }, (_, head) => ({ layer, head })));
  const degenerate = samples.length - rows.length;
  if (rows.length === 0) return { samples: 0, degenerate, threshold: 0, heads: [], layerShare: shape.map(() => 0) };
  const sizes = rows.map((row) => row.map(Math.abs));
  const means = places.map((_, at) => mean(sizes.map((row) => row[at]!)));
  const threshold = mean(means) + 2 * deviation(means);
  const isPatched = places.map(({ layer, head }) => patched?.[layer]?.[head] ?? true);
  // The smallest p-value must be below the strictest bound of the controlled rule, rate / heads, by far enough.
  const flips = Math.max(resamples, Math.ceil((4 * places.length) / rate));
  const pValues = excessPValues(sizes, flips, random(seed, "flip")).map((p, at) => (isPatched[at] ? p : 1));
  const controlled = benjaminiHochberg(pValues, rate);
  const statistics = (place: (typeof places)[number], at: number): HeadStatistics => {
    const own = rows.map((row) => row[at]!);
    const [low, high] = bootstrap(own.map(Math.abs), resamples, random(seed, "bootstrap", at));
    return {
      ...place,
      mean: means[at]!,
      signedMean: mean(own),
      std: deviation(own),
      low,
      high,
      pValue: pValues[at]!,
      // Equal means deviate by rounding only, and then no head stands out.
      inCircuit: means[at]! >= threshold && deviation(means) > 1e-12,
      inControlled: controlled[at]!,
    };
  };
  const heads = places.flatMap((place, at) => (isPatched[at] ? [statistics(place, at)] : []));
  const total = sum(means);
  const layerShare = shape.map((_, layer) =>
    total === 0 ? 0 : means.reduce((sum, size, at) => sum + (places[at]!.layer === layer ? size : 0), 0) / total,
  );
  return { samples: rows.length, degenerate, threshold, heads, layerShare };
}

function checkRule(resamples: number, rate: number): void {
  if (!Number.isInteger(resamples) || resamples < 1 || resamples > 1e6)
    throw new NoticeError("options", `resamples is ${resamples}; a whole number from 1 to 1000000 was expected.`);
  if (!(rate >= 1e-6 && rate < 1))
    throw new NoticeError("options", `rate is ${rate}; a share below 1, such as 0.05, was expected.`);
}

/** How many heads each layer has, the same in every sample. */
function shapeOf([first = [], ...others]: readonly HeadScores[]): number[] {
  const shape = first.map((layer) => layer.length);
  for (const scores of others)
    if (scores.length !== shape.length || scores.some((layer, i) => layer.length !== shape[i]))
      throw new NoticeError("options", "The samples of a circuit must have equal numbers of layers and heads.");
  return shape;
}

/** One circuit among several: of a data set and a modality, say. */
export interface NamedCircuit {
  readonly name: string;
  readonly circuit: Circuit;
}

/** What circuits have in common. */
export interface Universality {
  readonly names: readonly string[];
  /** Every head that is in a circuit, with the circuits it is in; those in most first. */
  readonly heads: readonly { readonly layer: number; readonly head: number; readonly circuits: readonly string[] }[];
  /** Heads in both over heads in either (Jaccard), [circuit][circuit]; null where both are empty. */
  readonly overlap: readonly (readonly (number | null)[])[];
}

/**
 * The heads that circuits share (paper, section 4): *universal* is a head that is in all of them.
 *
 * @throws NoticeError `options` where they are no list of circuits.
 */
export function universality(circuits: readonly NamedCircuit[]): Universality {
  checkList("The list of universality", circuits, "[{ name, circuit }, …]");
  for (const one of circuits) {
    checkObject("A circuit of universality", one, "{ name, circuit }");
    checkObject(`The circuit ${one.name}`, one.circuit, "one that findCircuit found");
  }
  const members = circuits.map(
    ({ circuit }) => new Set(circuit.heads.filter((one) => one.inCircuit).map(({ layer, head }) => `${layer}.${head}`)),
  );
  const heads = [...new Set(members.flatMap((set) => [...set]))].map((key) => {
    const [layer, head] = key.split(".").map(Number) as [number, number];
    return { layer, head, circuits: circuits.filter((_, i) => members[i]!.has(key)).map(({ name }) => name) };
  });
  heads.sort((a, b) => b.circuits.length - a.circuits.length || a.layer - b.layer || a.head - b.head);
  const overlap = members.map((one) =>
    members.map((other) => {
      const either = new Set([...one, ...other]).size;
      return either === 0 ? null : [...one].filter((key) => other.has(key)).length / either;
    }),
  );
  return { names: circuits.map(({ name }) => name), heads, overlap };
}

/** Divides by the number of values, as numpy does. */
export function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

/** The 2.5th and 97.5th percentile of the mean of as many values drawn with replacement. */
export function bootstrap(values: readonly number[], resamples: number, choose: Random): [number, number] {
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(choose.next() * values.length)]!;
    return sum / values.length;
  }).sort();
  return middle95(means);
}

/** p-values for each column of [sample][head]: a head's size is no larger than the average head's of its sample. */
function excessPValues(sizes: readonly (readonly number[])[], flips: number, choose: Random): number[] {
  const averages = sizes.map(mean);
  const excess = sizes.map((row, i) => row.map((size) => size - averages[i]!));
  return signFlips(excess, flips, choose);
}

/**
 * How often flipping the samples' signs at random gives a sum as large as the one there is, for each column of
 * [sample][column]; never 0 (Phipson and Smyth 2010). All columns share their flips.
 */
function signFlips(rows: readonly (readonly number[])[], flips: number, choose: Random): number[] {
  const columns = rows[0]!.length;
  const found = new Float64Array(columns);
  for (const row of rows) for (let at = 0; at < columns; at++) found[at]! += row[at]!;
  const asLarge = new Float64Array(columns);
  const sums = new Float64Array(columns);
  for (let flip = 0; flip < flips; flip++) {
    sums.fill(0);
    for (const row of rows) {
      const sign = choose.next() < 0.5 ? 1 : -1;
      for (let at = 0; at < columns; at++) sums[at]! += sign * row[at]!;
    }
    for (let at = 0; at < columns; at++) if (sums[at]! >= found[at]!) asLarge[at]!++;
  }
  return Array.from(asLarge, (count) => (count + 1) / (flips + 1));
}

/** Which hypotheses are rejected at this false discovery rate (Benjamini and Hochberg 1995). */
export function benjaminiHochberg(pValues: readonly number[], rate: number): boolean[] {
  const sorted = [...pValues].sort((a, b) => a - b);
  const last = sorted.findLastIndex((p, i) => p <= ((i + 1) / sorted.length) * rate);
  return pValues.map((p) => last >= 0 && p <= sorted[last]!);
}
