import { NoticeError } from "../base/errors.js";
import type { SweepAsked } from "../jobs/sweep.js";
import type { Scores } from "../patching/scores.js";
import { MeanMap, meanTable } from "./mean-map.js";
import { siteOf } from "./options.js";
import { printResult } from "./outputs.js";
import {
  checkListOutputs,
  countPairs,
  madeBy,
  type PairListOptions,
  throughPairs,
  throwIfLeftOut,
  withExecutor,
} from "./pair-list.js";
import type { DirectionOptions, OnePairOptions } from "./pair-options.js";
import type { TableCommandOptions } from "./score-table.js";

export interface PairsOptions extends PairListOptions, OnePairOptions, DirectionOptions, TableCommandOptions {
  readonly screen?: number;
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
  await withExecutor(model, options, async (executor) => {
    const means = new MeanMap();
    const tally = await throughPairs(
      executor,
      { name: "sweep", inputOf: (pair) => ({ pair, sweeps: [asked] }) },
      { file, mode, data: options.data, out, made: madeBy(model, options), label: "sweep" },
      ([scores]) => {
        means.add(strongestOf(scores!));
        return scores!.toJSON();
      },
    );
    const { pairs, mean, meanSize } = means.found;
    const done = `${out} has the results of ${countPairs(tally.done)}`;
    const table = () =>
      `${direction} ${site}: mean effect over ${pairs} of ${countPairs(tally.done)} (1 = all of the logit difference), ` +
      `each at the token where it is largest\n\n${meanTable(mean)}\n${done}\n`;
    await printResult({ model, site, direction, mode, pairs, of: tally.done, mean, meanSize }, table, options);
    throwIfLeftOut(done, tally);
  });
}

/** [layer][head] or [layer][0]: the effect at the token at which it is largest; null where nothing was patched. */
function strongestOf(scores: Scores): (number | null)[][] {
  const layers = scores.table("effect") as NestedEffects[];
  return scores.facts.axes[1] === "head"
    ? layers.map((heads) => (heads as NestedEffects[]).map(largest))
    : layers.map((layer) => [largest(layer)]);
}

type NestedEffects = number | null | readonly NestedEffects[];

function largest(effects: NestedEffects): number | null {
  if (effects === null || typeof effects === "number") return effects;
  const known = effects.map(largest).filter((value) => value !== null);
  return known.reduce<number | null>(
    (one, other) => (Math.abs(other) > Math.abs(one ?? 0) ? other : (one ?? other)),
    null,
  );
}
