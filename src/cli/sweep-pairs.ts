import { NoticeError } from "../base/errors.js";
import type { SweepAsked } from "../jobs/sweep.js";
import type { Site } from "../patching/sites.js";
import {
  checkListOutputs,
  countPairs,
  type PairListOptions,
  throughPairs,
  throwIfLeftOut,
  withExecutor,
} from "./pair-list.js";
import type { DirectionOptions, PairOptions } from "./pair-options.js";
import type { TableCommandOptions } from "./score-table.js";
import { print } from "./streams.js";

export interface PairsOptions extends PairListOptions, PairOptions, DirectionOptions, TableCommandOptions {
  readonly screen?: number;
}

/**
 * `notice sweep MODEL --pairs FILE --out FILE`: the results of a list of pairs, a line each, in their order.
 *
 * Where lines are left out, the command ends with exit code 2 (1 where a pair killed two processes).
 */
export async function runPairs(model: string, site: Site, file: string, options: PairsOptions): Promise<void> {
  const { out, mode } = options;
  if (out === undefined || out === "-")
    throw new NoticeError("options", "--pairs needs --out with the file for the results.");
  await checkListOutputs([file], { out });
  const { layers, heads, position, together, direction, screen } = options;
  const asked = { site, layers, heads, position, together, direction, screen } as SweepAsked;
  await withExecutor(model, options, async (executor) => {
    const tally = await throughPairs(
      executor,
      { name: "sweep", inputOf: (pair) => ({ pair, sweeps: [asked] }) },
      { file, mode, out, label: "sweep" },
      ([scores]) => scores!.toJSON(),
    );
    const done = `${out} has the results of ${countPairs(tally.done)}`;
    throwIfLeftOut(done, tally);
    print(`${done}\n`);
  });
}
