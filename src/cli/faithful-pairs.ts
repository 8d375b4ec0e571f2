import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { NoticeError } from "../base/errors.js";
import type { Executor } from "../executors/executor.js";
import type { FaithfulFound } from "../jobs/faithful.js";
import { type Faithfulness, type FaithfulnessCurve, pValueOf } from "../patching/faithful.js";
import type { HeadEffect } from "../patching/head-effects.js";
import { type HeadAt, siteHeadName } from "../patching/head-place.js";
import { faithfulTable } from "./faithful-table.js";
import { Means } from "./means.js";
import { isFile, type Outputs, printResult } from "./outputs.js";
import { checkListOutputs, madeBy, type PairListOptions, withExecutor } from "./pair-list.js";
import { countPairs, type Tally, throwIfLeftOut } from "./tally.js";
import { type PairList, throughPairs } from "./through-pairs.js";

export interface FaithfulListOptions extends PairListOptions, Outputs {
  readonly top?: number;
  readonly foundOn?: string;
  readonly random: number;
  readonly seed: number;
  readonly curve?: boolean;
}

/**
 * `notice faithful MODEL --pairs FILE`: mean faithfulness of a set of heads over pairs. If the heads are ranked, for
 * --top or for a curve, the ranking uses pairs that are not tested: another list, or every other line of this one.
 *
 * @param named the set; without it, the `top` heads by mean |effect|.
 */
export async function faithfulPairs(
  model: string,
  file: string,
  named: readonly HeadAt[] | undefined,
  options: FaithfulListOptions,
): Promise<void> {
  const { out, mode = "image", json, top, foundOn, random: randomSets, seed, curve } = options;
  const ranks = named === undefined || curve;
  if (foundOn !== undefined && !ranks)
    throw new NoticeError("options", "--found-on goes with --top or --curve: named heads are not ranked.");
  if (foundOn !== undefined && resolve(foundOn) === resolve(file))
    throw new NoticeError("options", "--found-on names the list that is tested; leave it out to rank on half of it.");
  await checkListOutputs(foundOn === undefined ? [file] : [file, foundOn], { out, json });
  await withExecutor(model, options, async (executor) => {
    const made = madeBy(model, options);
    const keep = isFile(out) ? `${out}.ranking` : undefined;
    const list = { file: foundOn ?? file, mode, data: options.data, made, keep, label: "ranking" };
    const ranking = ranks ? await rankOn(executor, list, foundOn === undefined) : undefined;
    const heads = named ?? ranking!.heads.slice(0, top);
    const asked = { heads, randomSets, seed, ranked: curve ? ranking!.heads : undefined };
    const means = new FaithfulMeans();
    const takes = ranking && foundOn === undefined ? (index: number) => index % 2 === 1 : undefined;
    const tested = await throughPairs(
      executor,
      { name: "faithful", inputOf: (pair) => ({ pair, ...asked }) },
      { file, mode, data: options.data, out, made, label: "faithful", takes },
      (found) => {
        means.add(found);
        return found;
      },
    );
    await ranking?.forget();
    const chosenOn = ranking && `${countPairs(ranking.tally.done)} of ${foundOn ?? `${file}, its lines 1, 3, 5, …`}`;
    const testedOn = `${countPairs(tested.done)} of ${file}${takes ? ", its lines 2, 4, 6, …" : ""}`;
    const says = `${ranking ? `Heads ranked on ${chosenOn}; tested` : "Tested"} on ${testedOn}. Means over these:\n\n`;
    const { found, curve: mean } = means;
    const result = { model, mode, chosenOn, testedOn, pairs: tested.done, ...found, curve: mean };
    await printResult(result, () => says + faithfulTable(found, mean), options);
    throwIfLeftOut(`The means are over ${countPairs(tested.done)}`, ...(ranking ? [ranking.tally] : []), tested);
  });
}

/**
 * All heads by their mean |effect| over a list, or over every other line of it from the first on; the largest first.
 */
async function rankOn(
  executor: Executor,
  list: PairList,
  halved: boolean,
): Promise<{ heads: HeadAt[]; tally: Tally; forget: () => Promise<void> }> {
  const means = new Means();
  let all: readonly HeadEffect[] = [];
  const takes = halved ? (index: number) => index % 2 === 0 : undefined;
  const tally = await throughPairs(
    executor,
    { name: "headEffects", inputOf: (pair) => ({ pair }) },
    { ...list, takes },
    (found) => {
      all = found;
      for (const head of found) means.add(siteHeadName(head), head.effect);
      return {};
    },
  );
  const size = (head: HeadAt) => means.meanSize(siteHeadName(head)) ?? 0;
  const heads = all.map(({ site, layer, head }) => ({ site, layer, head })).sort((a, b) => size(b) - size(a));
  const forget = async () => {
    if (list.keep !== undefined) await rm(`${list.keep}.partial`, { force: true });
  };
  return { heads, tally, forget };
}

/**
 * The mean of each figure over pairs. The random sets are the same for every pair, so that their means are a control
 * for the set's.
 */
class FaithfulMeans {
  readonly #means = new Means();
  #last: FaithfulFound | undefined;

  add(found: FaithfulFound): void {
    this.#last = found;
    const { kept, removed, losses, random, curve } = found;
    const all = { kept, removed, ...(curve && { cpr: curve.cpr, cmd: curve.cmd }) };
    for (const [name, value] of Object.entries(all)) this.#means.add(name, value);
    for (const [i, { loss }] of losses.entries()) this.#means.add(`loss ${i}`, loss);
    for (const [i, share] of random.kept.entries()) this.#means.add(`random ${i}`, share);
    for (const [i, share] of curve?.kept.entries() ?? []) this.#means.add(`curve ${i}`, share);
  }

  get found(): Faithfulness {
    const { size, of, losses, random } = this.#last!;
    const kept = this.#mean("kept");
    const controls = random.kept.map((_, i) => this.#mean(`random ${i}`));
    return {
      size,
      of,
      kept,
      removed: this.#mean("removed"),
      losses: losses.map((head, i) => ({ ...head, loss: this.#mean(`loss ${i}`) })),
      random: { kept: controls, pValue: pValueOf(kept, controls) },
    };
  }

  get curve(): FaithfulnessCurve | undefined {
    const { curve } = this.#last!;
    if (!curve) return undefined;
    const kept = curve.kept.map((_, i) => this.#mean(`curve ${i}`));
    return { sizes: curve.sizes, kept, cpr: this.#mean("cpr"), cmd: this.#mean("cmd") };
  }

  #mean(name: string): number {
    return this.#means.mean(name)!;
  }
}
