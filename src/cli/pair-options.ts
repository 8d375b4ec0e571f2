import { type Command, InvalidArgumentError, Option } from "commander";
import { NoticeError } from "../base/errors.js";
import type { OutputKind } from "../files/output.js";
import type { PairInput } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import type { Direction, Pair } from "../patching/pair.js";
import { listOf, loadModel, type ModelOptions, wholeNumber } from "./options.js";
import { checkOutputs, type Outputs } from "./outputs.js";

interface PairOptions {
  readonly image?: string;
  readonly corruptImage?: string;
  readonly question?: string;
  readonly corruptQuestion?: string;
  readonly answers?: [string, string];
  readonly at?: number;
}

/** What every command of one pair is given. */
export interface OnePairOptions extends ModelOptions, PairOptions, Outputs {}

export interface DirectionOptions {
  readonly direction: Direction;
}

/** The options that describe one pair. */
export function withPair(command: Command): Command {
  return command
    .option("--image <file>", "the clean picture: PNG, JPEG, WebP, GIF or BMP")
    .option("--corrupt-image <file>", "a picture that differs in what is asked (semantic image pair)")
    .option("--question <text>", "the clean question; for matching the sentence, for captions the prompt, if any")
    .option(
      "--corrupt-question <text>",
      "a question with other answers and the same number of tokens (symmetric token replacement)",
    )
    .option("--answers <correct,incorrect>", "the two alternatives; for matching: match,no match", alternatives)
    .option("--at <number>", "of captions: score this word that the model writes, given those before it", wholeNumber);
}

/** Which pass of the pair is patched. */
export function withDirection(command: Command): Command {
  return command.addOption(
    new Option("--direction <direction>", "denoise: put clean values into the corrupted run; noise: the reverse")
      .choices(["denoise", "noise"])
      .default("denoise"),
  );
}

/**
 * A whole pair, of which exactly one modality is corrupted; refused before the model is loaded.
 *
 * @param instead what else could be given, for the error.
 */
function pairInput(options: PairOptions, instead = ""): PairInput {
  const { image, corruptImage, question, corruptQuestion, answers, at } = options;
  // Captions go without a question and matching without answers; a picture alone is no pair of any model.
  const beside = [question, answers, corruptImage, corruptQuestion];
  if (image === undefined || beside.every((given) => given === undefined))
    throw new NoticeError("options", `Give --image, --question and --answers${instead}.`);
  const sample = { image, question, answers, at };
  if (corruptImage !== undefined && corruptQuestion === undefined) return { ...sample, corruptImage };
  if (corruptQuestion !== undefined && corruptImage === undefined) return { ...sample, corruptQuestion };
  throw new NoticeError("options", "Give exactly one of --corrupt-image and --corrupt-question.");
}

/**
 * Does the work with the pair that the options describe. What is wrong with these, or with the outputs, is said before
 * the model is loaded.
 *
 * @param instead as of `pairInput`. @param outKind what `--out` is.
 */
export async function withOnePair(
  model: string,
  options: OnePairOptions,
  work: (pair: Pair, loaded: Model, input: PairInput) => Promise<void>,
  { instead, outKind }: { readonly instead?: string; readonly outKind?: OutputKind } = {},
): Promise<void> {
  const input = pairInput(options, instead);
  const { json, png, out } = options;
  await checkOutputs({ json, png, out }, outKind);
  using loaded = await loadModel(model, options);
  using pair = await loaded.pair(input);
  await work(pair, loaded, input);
}

function alternatives(text: string): [string, string] {
  const [correct, incorrect, ...more] = listOf(text);
  if (!correct || !incorrect || more.length > 0)
    throw new InvalidArgumentError("Two answers with a comma between them were expected: correct,incorrect.");
  return [correct, incorrect];
}
