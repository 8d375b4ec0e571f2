import { Command } from "commander";
import { NoticeError } from "../errors.js";
import {
  type Faithfulness,
  type FaithfulnessCurve,
  faithfulness,
  faithfulnessCurve,
  type HeadAt,
  rankHeads,
} from "../patching/faithful.js";
import type { Selection } from "../patching/patch.js";
import {
  checkOutputs,
  columns,
  type JsonOptions,
  loadModel,
  type ModelOptions,
  printResult,
  wholeNumber,
  withBackend,
  withJson,
} from "./options.js";
import { type PairOptions, pairInput, withPair } from "./pair-options.js";
import { collect, type Named, parsePlace } from "./places.js";

interface FaithfulCommandOptions extends ModelOptions, JsonOptions, PairOptions {
  readonly heads?: readonly Named<HeadAt>[];
  readonly top?: number;
  readonly random: number;
  readonly seed: number;
  readonly curve?: boolean;
}

/** `notice faithful MODEL`: whether a set of heads explains the answer. */
export function faithfulCommand(): Command {
  const command = new Command("faithful")
    .description("keep a set of heads and corrupt all others, and the reverse: does the set explain the answer?")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base")
    .option("--heads <heads...>", "the set, such as text.cross.z:L0H1 decoder.cross.z:L2H0", collect(headAt))
    .option("--top <count>", "instead: so many heads, those with the largest effects on this very pair", wholeNumber)
    .option("--random <sets>", "sets of as many random heads to compare with", wholeNumber, 20)
    .option("--seed <number>", "of the random sets", wholeNumber, 0)
    .option("--curve", "also over the size of the set, the heads with the largest effects first");
  return withJson(withBackend(withPair(command))).action(runFaithful);
}

async function runFaithful(model: string, options: FaithfulCommandOptions): Promise<void> {
  const { heads, top, random, seed } = options;
  if ((heads === undefined) === (top === undefined))
    throw new NoticeError("options", "Give exactly one of --heads and --top.");
  const input = pairInput(options);
  await checkOutputs({ "--json": options.json });
  using blip = await loadModel(model, options);
  using pair = await blip.pair(input);
  const ranked = options.curve || top !== undefined ? await rankHeads(pair) : [];
  const set = heads?.map(({ place }) => place) ?? ranked.slice(0, top);
  const found = await faithfulness(pair, set, { randomSets: random, seed });
  const curve = options.curve ? await faithfulnessCurve(pair, ranked) : undefined;
  const { mode, answers, readings } = pair;
  await printResult({ model, mode, answers, ...readings, ...found, curve }, () => table(found, curve), options);
}

function table({ size, of, kept, removed, losses, random }: Faithfulness, curve?: FaithfulnessCurve): string {
  const fixed = (share: number) => share.toFixed(3);
  const mean = random.kept.reduce((sum, share) => sum + share, 0) / random.kept.length;
  const control = `${random.kept.length} random sets of as many keep ${fixed(mean)} on average; p = ${fixed(random.pValue ?? 1)}.\n`;
  const rows = losses.map(({ site, layer, head, loss }) => [`${site}:L${layer}H${head}`, fixed(loss)]);
  return (
    `${size} of ${of} heads keep ${fixed(kept)} of the answer; without them ${fixed(removed)} of it is left.\n` +
    (random.kept.length > 0 ? control : "") +
    `\n${columns(rows, ["head", "loss without it"])}` +
    (curve
      ? `\nCPR ${fixed(curve.cpr)}, CMD ${fixed(curve.cmd)}\n${columns(
          curve.sizes.map((heads, i) => [heads, fixed(curve.kept[i]!)]),
          ["heads", "kept"],
        )}`
      : "")
  );
}

function headAt(name: string): HeadAt {
  const { site, layer, head, position }: Selection = parsePlace(name);
  if (typeof head !== "number" || position !== undefined)
    throw new NoticeError("options", `${name} is no head such as text.cross.z:L0H1.`);
  return { site, layer, head } as HeadAt;
}
