import { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { faithfulness, faithfulnessCurve, type HeadAt, rankHeads } from "../patching/faithful.js";
import type { Selection } from "../patching/selection.js";
import type { FaithfulListOptions } from "./faithful-pairs.js";
import { faithfulTable } from "./faithful-table.js";
import { loadModel, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, printResult } from "./outputs.js";
import { refuseListOptions, withPairList } from "./pair-list.js";
import { type PairOptions, pairInput, withPair } from "./pair-options.js";
import { collect, type Named, parsePlace } from "./places.js";

interface FaithfulCommandOptions extends FaithfulListOptions, PairOptions {
  readonly heads?: readonly Named<HeadAt>[];
}

/** `notice faithful MODEL`: whether a set of heads explains the answer. */
export function faithfulCommand(): Command {
  const command = new Command("faithful")
    .description("test whether a set of heads explains the answer: corrupt all other heads, then only the set")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base")
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
  const { heads, top, random, seed } = options;
  if ((heads === undefined) === (top === undefined))
    throw new NoticeError("options", "Give exactly one of --heads and --top.");
  const named = heads?.map(({ place }) => place);
  if (options.pairs !== undefined) {
    const { faithfulPairs } = await import("./faithful-pairs.js");
    return faithfulPairs(model, options.pairs, named, options);
  }
  refuseListOptions(options);
  if (options.foundOn !== undefined) throw new NoticeError("options", "--found-on goes with --pairs.");
  const input = pairInput(options, ", or a list of --pairs");
  await checkOutputs({ json: options.json });
  using blip = await loadModel(model, options);
  using pair = await blip.pair(input);
  const ranked = options.curve || top !== undefined ? await rankHeads(pair) : [];
  const set = named ?? ranked.slice(0, top);
  const found = await faithfulness(pair, set, { randomSets: random, seed });
  const curve = options.curve ? await faithfulnessCurve(pair, ranked) : undefined;
  const { mode, answers, readings } = pair;
  await printResult({ model, mode, answers, ...readings, ...found, curve }, () => faithfulTable(found, curve), options);
}

function headAt(name: string): HeadAt {
  const { site, layer, head, position }: Selection = parsePlace(name);
  if (typeof head !== "number" || position !== undefined)
    throw new NoticeError("options", `${name} is no head such as text.cross.z:L0H1.`);
  return { site, layer, head } as HeadAt;
}
