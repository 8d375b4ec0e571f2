import { sum } from "../base/mean.js";
import type { Direction } from "../patching/pair.js";
import type { Scores } from "../patching/scores.js";
import { MeanMap, meanTable, overTokens } from "./mean-map.js";
import { type Outputs, printResult } from "./outputs.js";
import { checkListOutputs, madeBy, type PairListOptions, shuffledBy, withExecutor } from "./pair-list.js";
import { RandomCuts } from "./random-cuts.js";
import { countPairs, throwIfLeftOut } from "./tally.js";
import { type PairJob, throughPairs } from "./through-pairs.js";

/** What is asked of each pair, and the site that the means are of. */
interface MapAsked<Name extends "attribute" | "knockOut"> extends PairJob<Name> {
  readonly site: string;
  readonly direction: Direction;
  /** What else is asked of each pair, for the JSON. */
  readonly asked: object;
  /** Beside so many random cuts. */
  readonly randomSets?: number | undefined;
}

/**
 * `notice attribute|knockout MODEL --pairs FILE`: every head's (or layer's) mean effect over the pairs. Effects at
 * several tokens are added up first, since first-order effects add up.
 */
export async function mapPairs<Name extends "attribute" | "knockOut">(
  model: string,
  file: string,
  { site, direction, asked, randomSets, ...job }: MapAsked<Name>,
  options: PairListOptions & Outputs,
): Promise<void> {
  const { out, mode = "image", json, shuffled } = options;
  await checkListOutputs([file], { out, json });
  await withExecutor(model, options, async (executor) => {
    const means = new MeanMap();
    const cuts = randomSets ? new RandomCuts(randomSets) : undefined;
    const tally = await throughPairs(
      executor,
      job,
      { file, mode, data: options.data, out, made: madeBy(model, options), label: job.name.toLowerCase() },
      (output) => {
        const found = output as Scores;
        means.add(overTokens(found, "effect", sum));
        cuts?.add(found);
        return found.toJSON();
      },
    );
    const { pairs, mean, meanSize } = means.found;
    const table = () =>
      `${direction} ${site}: mean effect over ${pairs} of ${countPairs(tally.done)} (1 = all of the logit difference), tokens added up` +
      `${shuffledBy(shuffled)}\n\n` +
      meanTable(mean) +
      (cuts?.table ?? "");
    const what = { model, site, direction, mode, shuffled, asked };
    const found = { ...what, pairs, of: tally.done, mean, meanSize, randomCuts: cuts?.found };
    await printResult(found, table, options);
    throwIfLeftOut(`The mean is over ${countPairs(pairs)}`, tally);
  });
}
