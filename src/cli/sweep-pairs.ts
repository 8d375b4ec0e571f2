import { NoticeError } from "../base/errors.js";
import { fileDigest } from "../files/read.js";
import type { SweepAsked } from "../jobs/sweep.js";
import { LabelSwaps } from "../patching/nulls.js";
import type { Scores } from "../patching/scores.js";
import { parseShard } from "../study/shard.js";
import { finishList, forgetList } from "./list-shards.js";
import { MeanMap, meanTable, overTokens } from "./mean-map.js";
import { siteOf } from "./options.js";
import { isFile, type Outputs, printResult } from "./outputs.js";
import { checkListOutputs, madeBy, type PairListOptions, shuffledBy, withExecutor } from "./pair-list.js";
import type { DirectionOptions, OnePairOptions } from "./pair-options.js";
import type { TableCommandOptions } from "./score-table.js";
import { countPairs, throwIfLeftOut } from "./tally.js";
import { throughPairs } from "./through-pairs.js";

export interface PairsOptions extends PairListOptions, OnePairOptions, DirectionOptions, TableCommandOptions {
  readonly screen?: number;
  readonly shard?: string;
}

/**
 * `notice sweep MODEL --pairs FILE --out FILE`: the results of a list of pairs, a line each, in their order; and every
 * head's (or layer's) mean effect over the pairs.
 *
 * Where lines are left out, the command ends with exit code 2 (1 where a pair killed two processes).
 */
export async function runPairs(model: string, file: string, options: PairsOptions): Promise<void> {
  const { out, json, mode = "image" } = options;
  if (out === undefined)
    throw new NoticeError("options", "--pairs needs --out with the file for the results; - is standard output.");
  await checkListOutputs([file], { out, json });
  const site = await siteOf(model, options.site);
  const { layers, heads, position, together, direction, screen } = options;
  const asked = { site, layers, heads, position, together, direction, screen } as SweepAsked;
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
  if (shard && !isFile(out)) throw new NoticeError("options", "--shard writes a file; name it by --out.");
  const made = madeBy(model, options);
  if (shard) await forgetList(out);
  await withExecutor(model, options, async (executor) => {
    const means = new SweepMeans();
    const takes = shard && ((index: number) => index % shard.count === shard.index);
    const tally = await throughPairs(
      executor,
      { name: "sweep", inputOf: (pair) => ({ pair, sweeps: [asked] }) },
      { file, mode, data: options.data, out, made, label: "sweep", ...(takes && { takes }) },
      ([scores]) => {
        means.add(scores!);
        return scores!.toJSON();
      },
    );
    const swept = { model, site, direction: direction ?? "denoise", mode, shuffled: options.shuffled };
    if (shard) await finishList(out, shard, { ...made, ...asked, mode, list: await fileDigest(file) }, swept);
    await printSwept(swept, means, out, options);
    throwIfLeftOut(doneIn(out, means.of), tally);
  });
}

/** What a sweep of a list was of. */
interface Swept {
  readonly model: string;
  readonly site: string;
  readonly direction: string;
  readonly mode: string;
  /** By which seed corrupt pictures were exchanged. */
  readonly shuffled?: number | undefined;
}

/** Of the exchanges of answers. */
const [DRAWS, SHARE] = [1000, 0.95];
/** Sums in another order differ by less. */
const ROUNDING = 1e-5;

/** Mean effects over the pairs of a list. */
export class SweepMeans {
  readonly #means = new MeanMap();
  readonly #logits = new MeanMap();
  readonly #swaps = new LabelSwaps({ draws: DRAWS, share: SHARE });
  /** Pairs that were added. */
  of = 0;

  add(scores: Scores): void {
    this.#means.add(overTokens(scores, "effect", largest));
    this.of++;
    if (scores.degenerate) return;
    const logits = overTokens(scores, "logitDiff", largest);
    this.#logits.add(logits);
    this.#swaps.add(logits.flat().map((change) => change ?? 0));
  }

  get found() {
    return { ...this.#means.found, swappedLabels: this.#swapped };
  }

  /** What each head does in logits, beside what it would do if coins said which answer is the correct one. */
  get #swapped() {
    const { pairs, mean: logits } = this.#logits.found;
    if (!(pairs > 0)) return null;
    const { largest } = this.#swaps.found;
    return { draws: DRAWS, share: SHARE, largest, logits };
  }
}

const doneIn = (out: string, of: number) => `${out} has the results of ${countPairs(of)}`;

export async function printSwept(swept: Swept, means: SweepMeans, out: string, outputs: Outputs): Promise<void> {
  const found = means.found;
  const { pairs, mean, swappedLabels } = found;
  const table = () =>
    `${swept.direction} ${swept.site}: mean effect over ${pairs} of ${countPairs(means.of)} (1 = all of the logit difference), ` +
    `each at the token where it is largest${shuffledBy(swept.shuffled)}\n\n${meanTable(mean)}\n${swappedLabels ? besideCoins(swappedLabels) : ""}` +
    `${doneIn(out, means.of)}\n`;
  await printResult({ ...swept, of: means.of, ...found }, table, outputs);
}

function besideCoins({ draws, share, largest, logits }: NonNullable<SweepMeans["found"]["swappedLabels"]>): string {
  const all = logits.flatMap((row, layer) => row.map((change, head) => ({ layer, head, change: change ?? 0 })));
  // With few pairs the same signs fall often: what chance reaches is not above it.
  const above = all.filter(({ change }) => Math.abs(change) > largest + ROUNDING);
  const most = all.reduce((one, other) => (Math.abs(other.change) > Math.abs(one.change) ? other : one));
  const name = ({ layer, head }: typeof most) => (logits[0]!.length > 1 ? `L${layer}H${head}` : `L${layer}`);
  return (
    `In logits: ${name(most)} moves the answer most, by ${most.change.toFixed(2)}. Were the correct answers drawn by coins, the\n` +
    `largest of all would be at most ${largest.toFixed(2)} in ${100 * share}% of ${draws} draws; ${above.length} of ${all.length} are above: ` +
    `${above.map(name).join(", ") || "none"}.\n\n`
  );
}

/** The one furthest from 0. */
const largest = (values: readonly number[]): number =>
  values.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one));
