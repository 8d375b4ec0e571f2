import type { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { faithfulness, faithfulnessCurve } from "../patching/faithful.js";
import { rankHeads } from "../patching/head-effects.js";
import type { HeadAt } from "../patching/head-place.js";
import type { Selection } from "../patching/selection.js";
import type { FaithfulListOptions } from "./faithful-pairs.js";
import { faithfulTable } from "./faithful-table.js";
import { modelCommand, wholeNumber, withBackend, withJson } from "./options.js";
import { printResult } from "./outputs.js";
import { withListOrOne, withPairList } from "./pair-list.js";
import { type OnePairOptions, withPair } from "./pair-options.js";
import { collect, type Named, parsePlace } from "./places.js";

interface FaithfulCommandOptions extends FaithfulListOptions, OnePairOptions {
  readonly heads?: readonly Named<HeadAt>[];
}

/** `notice faithful MODEL`: whether a set of heads explains the answer. */
export function faithfulCommand(): Command {
  const command = modelCommand(
    "faithful",
    "test whether a set of heads explains the answer: corrupt all other heads, then only the set",
  )
    .option("--heads <heads...>", "the set, such as text.cross.z:L0H1 decoder.cross.z:L2H0", collect(headAt))
    .option(
      "--top <count>",
      "instead of --heads: take this many heads with the largest effects, on this pair or on --found-on",
      wholeNumber,
    )
    .option("--random <sets>", "number of random sets of the same size to compare with", wholeNumber, 20)
    .option("--seed <number>", "seed of the random sets", wholeNumber, 0)
    .option("--curve", "also test sets of growing size, heads with the largest effects first");
  withPairList(withPair(command), []).option(
    "--found-on <file>",
    "with --pairs: rank heads on this list. Default: rank on every other line of --pairs, test on the rest",
  );
  return withJson(withBackend(command)).action(runFaithful);
}

async function runFaithful(model: string, options: FaithfulCommandOptions): Promise<void> {
  const { heads, top, random: randomSets, seed } = options;
  if ((heads === undefined) === (top === undefined))
    throw new NoticeError("options", "Give exactly one of --heads and --top.");
  const named = heads?.map(({ place }) => place);
  if (options.pairs === undefined && options.foundOn !== undefined)
    throw new NoticeError("options", "--found-on goes with --pairs.");
  await withListOrOne(model, options, {
    async list(file) {
      const { faithfulPairs } = await import("./faithful-pairs.js");
      await faithfulPairs(model, file, named, options);
    },
    async one(pair) {
      const ranked = options.curve || top !== undefined ? await rankHeads(pair) : [];
      const set = named ?? ranked.slice(0, top);
      const found = await faithfulness(pair, set, { randomSets, seed });
      const curve = options.curve ? await faithfulnessCurve(pair, ranked) : undefined;
      const { mode, answers, readings } = pair;
      const result = { model, mode, answers, ...readings, ...found, curve };
      await printResult(result, () => faithfulTable(found, curve), options);
    },
  });
}

function headAt(name: string): HeadAt {
  const { site, layer, head, position }: Selection = parsePlace(name);
  if (typeof head !== "number" || position !== undefined)
    throw new NoticeError("options", `${name} is no head such as text.cross.z:L0H1.`);
  return { site, layer, head } as HeadAt;
}
