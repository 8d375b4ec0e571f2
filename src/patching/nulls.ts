import * as tf from "@tensorflow/tfjs-core";
import { checkList, NoticeError } from "../base/errors.js";
import { meanOrNull } from "../base/mean.js";
import { checkShape } from "../base/options.js";
import { type Random, random } from "../base/random.js";
import { towerOf } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { METRICS, type Metric } from "./answers.js";
import { PASS_KEYS } from "./budget.js";
import { pValueOf } from "./faithful.js";
import type { PairInput } from "./inputs.js";
import { attendedTo, type Cut, knockOut, sweepKnockOut, type WindowOptions } from "./knock-out.js";
import { checkPair, type Direction, type Pair } from "./pair.js";
import { indexes } from "./run.js";
import { Scores } from "./scores.js";
import { fromRun, type Source } from "./sources.js";
import { patchGrids } from "./token-groups.js";

// What a head map, or a role, would be if nothing were behind it: numbers to stand beside the real ones.

/**
 * Attention of the same softmax statistics that looks elsewhere: the weights of each row of the source's pattern, in an
 * order drawn at random among the tokens that the row may attend to. As `source` of a patch or a sweep of a pattern; a
 * head whose map is as large with it does not need to look where it looks.
 *
 * @param options.direction of the patch. Default: `denoise`, from the clean run.
 * @throws NoticeError `site` where it is asked for a site that is no pattern.
 * @example await sweep(pair, { site: "text.cross.pattern", together: true, source: noiseAttention(pair) })
 */
export function noiseAttention<A extends ArchitectureName>(
  pair: Pair<A>,
  options: { readonly seed?: number; readonly direction?: Direction } = {},
): Source {
  checkPair(pair);
  checkShape("noiseAttention", options, { such: "{ seed: 1 }", keys: ["seed", "direction"] });
  const { seed = 0, direction = "denoise" } = options;
  const from = fromRun(pair.sides(direction).source);
  return (parts, layer) => {
    const { site, tower, within, isPattern } = parts;
    if (!isPattern)
      throw new NoticeError(
        "site",
        `Noise attention has no value for ${site}; sweep a pattern, ${tower}.self.pattern.`,
      );
    const pattern = from(parts, layer); // [1, head, query, key]
    const [, heads, queries, keys] = pattern.shape as [number, number, number, number];
    const causal = within === "self.pattern" && towerOf(pair.model, tower).causal;
    const choose = random(seed, site, layer);
    const order = Int32Array.from({ length: heads * queries * keys }, (_, at) => at);
    for (let row = 0; row < heads * queries; row++) {
      const own = order.subarray(row * keys, row * keys + (causal ? (row % queries) + 1 : keys));
      shuffle(own, choose);
    }
    return tf.reshape(tf.gather(tf.reshape(pattern, [-1]), tf.tensor1d(order, "int32")), pattern.shape);
  };
}

/**
 * Pairs with the corrupt pictures of others of the list, each once and none its own: no longer minimal. What a map
 * still shows then is not about the one aspect in which the pictures differed.
 *
 * @throws NoticeError `options` where there are not two pairs, or one has no corrupt picture.
 */
export function shuffledPairs<Input extends PairInput>(
  pairs: readonly Input[],
  options: { readonly seed?: number } = {},
): Input[] {
  checkList("What shuffledPairs shuffles", pairs, "[{ image, corruptImage, question, answers }]");
  checkShape("shuffledPairs", options, { such: "{ seed: 1 }", keys: ["seed"] });
  if (pairs.length < 2 || pairs.some(({ corruptImage }) => corruptImage === undefined))
    throw new NoticeError("options", "shuffledPairs exchanges corrupt pictures; give two pairs or more that have one.");
  const order = indexes(pairs.length);
  shuffle(order, random(options.seed ?? 0, "shuffled"));
  const from = new Map(order.map((at, i) => [at, order[(i + 1) % order.length]!]));
  return pairs.map((pair, at) => ({ ...pair, corruptImage: pairs[from.get(at)!]!.corruptImage }) as Input);
}

/** How large means are where answers were exchanged at random. */
export interface SwappedLabels {
  /** |mean| of each column stays below it in so many of the draws. */
  readonly each: readonly number[];
  /** That of the largest of all columns. */
  readonly largest: number;
}

/**
 * What the mean change of the logit difference would be if it did not matter which answer is the correct one: in each
 * draw the two are exchanged in half of the samples, which changes the sign of what patches did there.
 *
 * @param rows of each sample what every head did, in logits; not effects, which are the same with exchanged answers.
 * @param options.draws default 1,000. @param options.share of the draws, default 0.95.
 * @throws NoticeError `options` where rows have different lengths, or there is none.
 */
export function swappedLabels(
  rows: readonly (readonly number[])[],
  options: { readonly seed?: number; readonly draws?: number; readonly share?: number } = {},
): SwappedLabels {
  checkList("The rows of swappedLabels", rows, "[[0.1, 0.4], [0.2, 0.3]]");
  checkShape("swappedLabels", options, { such: "{ draws: 1000 }", keys: ["seed", "draws", "share"] });
  const { seed, draws, share } = options;
  const columns = rows[0]?.length;
  if (columns === undefined || rows.some((row) => row.length !== columns))
    throw new NoticeError("options", "swappedLabels takes one row or more, all of as many heads.");
  const swaps = new LabelSwaps({ seed, draws, share });
  for (const row of rows) swaps.add(row);
  return swaps.found;
}

/** `swappedLabels` of rows that come one by one. */
export class LabelSwaps {
  readonly #choose: Random;
  readonly #share: number;
  /** The sum of every column, of each draw. */
  readonly #sums: number[][];
  #rows = 0;

  /** @throws NoticeError `options` as `swappedLabels` */
  constructor({ seed = 0, draws = 1000, share = 0.95 }: Parameters<typeof swappedLabels>[1] = {}) {
    if (!(Number.isInteger(draws) && draws >= 1 && draws <= 1e6 && share > 0 && share < 1))
      throw new NoticeError(
        "options",
        `draws is ${draws} and share ${share}; a count to 1000000 and a share were expected.`,
      );
    this.#choose = random(seed, "labels");
    this.#share = share;
    this.#sums = Array.from({ length: draws }, () => []);
  }

  /** One sample's, of as many heads each time. */
  add(row: readonly number[]): void {
    this.#rows++;
    for (const sums of this.#sums) {
      const sign = this.#choose.next() < 0.5 ? 1 : -1;
      for (let at = 0; at < row.length; at++) sums[at] = (sums[at] ?? 0) + sign * row[at]!;
    }
  }

  get found(): SwappedLabels {
    const means = this.#sums.map((sums) => sums.map((sum) => Math.abs(sum) / this.#rows));
    const below = (values: number[]) =>
      values.sort((a, b) => a - b)[Math.min(means.length - 1, Math.floor(this.#share * means.length))]!;
    return {
      each: indexes(means[0]!.length).map((at) => below(means.map((row) => row[at]!))),
      largest: below(means.map((row) => Math.max(...row))),
    };
  }
}

const MOST_SETS = 10_000;

/** How many random sets of tokens, and by which seed they are drawn. */
export interface RandomTargets {
  /** Default 0. */
  readonly seed?: number;
  /** Default 20. */
  readonly randomSets?: number;
}

/** What a cut loses, beside what random cuts of as many tokens lose. */
export interface ControlledCut {
  /** 1 is as bad as the corruption; null where clean and corrupted answers hardly differ. */
  readonly effect: number | null;
  readonly random: readonly (number | null)[];
  /** How often a random cut loses as much; null where there is no effect, or no random cut. */
  readonly pValue: number | null;
}

/**
 * Checks a role by intervention: cuts the attention to some tokens, and to as many random ones of the same kind. A head
 * that segments loses the answer where it no longer sees the object, and one that inhibits it does not.
 *
 * @throws NoticeError as `knockOut`; `options` where more tokens are cut than there are of the kind.
 * @example await controlledKnockOut(pair, { site: "text.cross.pattern", from: "answer", to: object, head: 1 })
 */
export async function controlledKnockOut<A extends ArchitectureName>(
  pair: Pair<A>,
  cut: Cut<A>,
  options?: RandomTargets,
): Promise<ControlledCut>;
export async function controlledKnockOut(pair: Pair, cut: Cut, options: RandomTargets = {}): Promise<ControlledCut> {
  checkPair(pair);
  checkShape("controlledKnockOut", options, { such: "{ randomSets: 20 }", keys: ["seed", "randomSets"] });
  const { effect } = await knockOut(pair, cut);
  const drawn: (number | null)[] = [];
  for (const to of randomTargets(pair, cut, options)) drawn.push((await knockOut(pair, { ...cut, to })).effect);
  const known = drawn.filter((one) => one !== null);
  return { effect, random: drawn, pValue: effect === null ? null : pValueOf(effect, known) };
}

/**
 * `sweepKnockOut` beside cuts to random tokens: at which depth it matters which tokens are no longer seen.
 *
 * @returns its table, with the metrics `random`, the mean effect of the random cuts around a layer, and `pValue`, as
 * `controlledKnockOut`; both null where clean and corrupted answers hardly differ.
 * @throws NoticeError as `sweepKnockOut` and `controlledKnockOut`
 * @example await sweepControlled(pair, { site: "text.cross.pattern", from: "all", to: object }, { randomSets: 99 })
 */
export async function sweepControlled<A extends ArchitectureName>(
  pair: Pair<A>,
  cut: Omit<Cut<A>, "layers">,
  options?: WindowOptions & RandomTargets,
): Promise<Scores<"random" | "pValue">>;
export async function sweepControlled(
  pair: Pair,
  cut: Omit<Cut, "layers">,
  given: WindowOptions & RandomTargets = {},
): Promise<Scores<"random" | "pValue">> {
  const keys = ["seed", "randomSets", "window", ...PASS_KEYS];
  checkShape("sweepControlled", given, { such: "{ randomSets: 20 }", keys });
  const { seed, randomSets, ...options } = given;
  const real = await sweepKnockOut(pair, cut, options);
  const drawn: Scores[] = [];
  for (const to of randomTargets(pair, cut, { seed, randomSets }))
    drawn.push(await sweepKnockOut(pair, { ...cut, to }, options));
  const scores = new Scores<"random" | "pValue">(real.facts, ["random", "pValue"]);
  for (const layer of indexes(real.facts.shape[0]!)) {
    const own = Object.fromEntries(METRICS.map((name) => [name, real.at(name, layer)])) as Record<
      Metric,
      number | null
    >;
    const controls = drawn.map((one) => one.at("effect", layer)).filter((one) => one !== null);
    const pValue = own.effect === null ? null : pValueOf(own.effect, controls);
    const score = { ...own, random: meanOrNull(controls), pValue };
    scores.set([layer], score);
  }
  return scores;
}

/**
 * Sets of tokens to cut attention to, each of as many as the cut has: of patches where it has these, else of all tokens
 * that are attended to.
 *
 * @throws NoticeError `options` where more tokens are cut than there are of the kind.
 */
function randomTargets(pair: Pair, cut: Cut, { seed = 0, randomSets = 20 }: RandomTargets): number[][] {
  if (!(Number.isInteger(randomSets) && randomSets >= 0 && randomSets <= MOST_SETS))
    throw new NoticeError("options", `randomSets is ${randomSets}; a whole number to ${MOST_SETS} was expected.`);
  const { tower, count, tokens } = attendedTo(pair, cut);
  const patches = patchGrids(pair, tower).flat(2);
  const among = tokens.every((token) => patches.includes(token)) ? patches : indexes(count);
  if (tokens.length > among.length)
    throw new NoticeError(
      "options",
      `The cut is to ${tokens.length} tokens, of which there are ${among.length} to draw from.`,
    );
  return indexes(randomSets).map((at) => random(seed, "cut", at).draw(among, tokens.length));
}

function shuffle(values: { [at: number]: number; readonly length: number }, choose: Random): void {
  for (let at = values.length - 1; at > 0; at--) {
    const other = Math.floor(choose.next() * (at + 1));
    [values[at], values[other]] = [values[other]!, values[at]!];
  }
}
