import type { PathsAsked } from "../jobs/paths.js";
import type { Score } from "../patching/metrics.js";
import { fixed3 } from "./decimals.js";
import { Means } from "./means.js";
import { columns } from "./options.js";
import { type Outputs, printResult } from "./outputs.js";
import { checkListOutputs, madeBy, type PairListOptions, withExecutor } from "./pair-list.js";
import { countPairs, throwIfLeftOut } from "./tally.js";
import { throughPairs } from "./through-pairs.js";

/** What senders and receivers are called. */
interface PathNames {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** `notice path MODEL --pairs FILE`: the mean over the pairs of what goes along each path. */
export async function pathPairs(
  model: string,
  file: string,
  asked: PathsAsked,
  { from, to }: PathNames,
  options: PairListOptions & Outputs,
): Promise<void> {
  const { out, mode = "image", json } = options;
  await checkListOutputs([file], { out, json });
  await withExecutor(model, options, async (executor) => {
    const means = new Means();
    const tally = await throughPairs(
      executor,
      { name: "paths", inputOf: (pair) => ({ pair, ...asked }) },
      { file, mode, data: options.data, out, made: madeBy(model, options), label: "path" },
      ({ paths, together, plain, ...facts }) => {
        for (const [i, path] of paths.entries()) addScore(means, `path ${i}`, path);
        addScore(means, "together", together);
        addScore(means, "plain", plain);
        return { ...facts, from, paths: paths.map((path, i) => ({ to: to[i], ...path })), together, plain };
      },
    );
    const { direction, mediated = false } = asked;
    const paths = to.map((name, i) => ({ to: name, ...meanScore(means, `path ${i}`) }));
    const [together, plain] = [meanScore(means, "together"), meanScore(means, "plain")];
    const pairs = means.count("plain effect");
    const heading = `${direction} ${from.join(" and ")} along its paths: means over ${countPairs(tally.done)}, effects over ${pairs} of them`;
    const rows = [...paths, { to: "these together", ...together }, { to: "the plain patch", ...plain }];
    const table = () => `${heading}\n\n${meansTable(rows)}`;
    const result = { model, direction, mediated, mode, of: tally.done, pairs, from, paths, together, plain };
    await printResult(result, table, options);
    throwIfLeftOut(`The means are over ${countPairs(tally.done)}`, tally);
  });
}

function addScore(means: Means, name: string, { logitDiff, effect }: Score): void {
  means.add(`${name} logitDiff`, logitDiff);
  means.add(`${name} effect`, effect);
}

function meanScore(means: Means, name: string) {
  return { logitDiff: means.mean(`${name} logitDiff`), effect: means.mean(`${name} effect`) };
}

function meansTable(rows: readonly ({ readonly to: string } & ReturnType<typeof meanScore>)[]): string {
  return columns(
    rows.map(({ to, logitDiff, effect }) => [to, fixed3(logitDiff), fixed3(effect)]),
    ["to", "logitDiff", "effect"],
  );
}
