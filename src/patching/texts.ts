import type * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { towerOf } from "../model/architecture.js";
import { endsOf } from "../model/pass.js";
import { positionsOf } from "../words/words.js";
import { checkToken, choiceName, type Speaker } from "./choices.js";
import { checkText } from "./inputs.js";
import { newRun } from "./pair.js";
import type { Question } from "./positions.js";

// Texts as a model reads them.

/**
 * A question, sentence or prompt by its tokens.
 *
 * @param text undefined where there is none, which not every model allows.
 * @throws NoticeError `tokens` where it has more tokens than the model has positions.
 */
export function questionOf(model: Speaker, text: string | undefined): Question {
  const { intake, name } = model.architecture;
  if (text === undefined && !intake.optional)
    throw new NoticeError(
      "tokens",
      `${model.name} is a ${name}: beside the picture a text was expected; give a question.`,
    );
  const given = text === undefined ? "" : text;
  checkText("question", given);
  const encoding = model.tokenizer.encode(given, { maxTokens: intake.maxTokens(model.config) });
  for (const [i, id] of encoding.ids.entries()) checkToken(model, id, encoding.tokens[i]!);
  return intake.begins
    ? asQuestion(model, given, intake.begins(model.config, encoding.ids))
    : asQuestion(model, given, encoding.ids, encoding.tokens);
}

function asQuestion(
  model: Speaker,
  text: string,
  ids: readonly number[],
  tokens: readonly string[] = ids.map((id) => choiceName(model, id)),
): Question {
  const encoding = { text, ids, tokens };
  return { ...encoding, find: (word) => positionsOf(model.tokenizer, encoding, word) };
}

/** What a model writes after a prompt. */
interface Continuation {
  /** A prompt with the words before that one behind it. */
  after(prompt: Question): Question;
}

/**
 * What is said before the `at`-th word that a model writes, 1 for the first.
 *
 * @param prompt with the picture that it is about, [1, height, width, 3].
 * @throws NoticeError `options` where it says fewer words, or does not go on with what it reads.
 */
export async function continuation(
  model: Speaker,
  { pixels, prompt }: { readonly pixels: tf.Tensor; readonly prompt: Question },
  at: number,
): Promise<Continuation> {
  if (!Number.isInteger(at) || at < 1)
    throw new NoticeError("options", `at is ${at}; a whole number was expected, 1 for the first word.`);
  const { readout, name } = model.architecture;
  // The words of a reader's prompt stand in a frame, which what is said does not go on with.
  if (readout.classes || model.reader || towerOf(model, readout.tower).tokens !== "question")
    throw new NoticeError("options", `${model.name} is a ${name}, which does not go on with a prompt; leave at out.`);
  const { ids } = prompt;
  using run = await newRun(model, { pixels, question: prompt });
  const [said] = await readout.say(model, endsOf(run.activations), [ids]);
  const words = said!.reduce<number[][]>((words, id) => {
    const piece = choiceName(model, id);
    if (piece.startsWith("##") && words.length > 0) words.at(-1)!.push(id);
    else words.push([id]);
    return words;
  }, []);
  if (at > words.length)
    throw new NoticeError(
      "options",
      `There is no word ${at}: after this prompt ${model.name} says ${words.length}, ${JSON.stringify(model.tokenizer.decode(said!))}.`,
    );
  const before = words.slice(0, at - 1).flat();
  return {
    after: ({ text, ids }) =>
      asQuestion(model, `${text} ${model.tokenizer.decode(before)}`.trim(), [...ids, ...before]),
  };
}
