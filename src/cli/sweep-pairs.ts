import { NoticeError } from "../base/errors.js";
import type { Scores } from "../patching/scores.js";
import type { Site } from "../patching/sites.js";
import type { PoolSweep } from "../pool/messages.js";
import type { PoolResult } from "../pool/pool.js";
import {
  checkListOutputs,
  countPairs,
  type PairListOptions,
  throughPairs,
  throwIfLeftOut,
  withPool,
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
  const asked = { site, layers, heads, position, together, direction, screen } as PoolSweep;
  await withPool(model, options, async (pool) => {
    const tally = await throughPairs(
      { file, mode, out, label: "sweep" },
      (pairs) => first(pool.sweep(pairs, asked, { ordered: true })),
      (scores) => scores.toJSON(),
    );
    const done = `${out} has the results of ${countPairs(tally.done)}`;
    throwIfLeftOut(done, tally);
    print(`${done}\n`);
  });
}

/** The only sweep of each pair. */
async function* first(
  results: AsyncIterable<PoolResult<number, { readonly scores: readonly Scores[] }>>,
): AsyncGenerator<PoolResult<number, { readonly found: Scores }>> {
  for await (const { key, scores, error } of results) yield error ? { key, error } : { key, found: scores[0]! };
}
