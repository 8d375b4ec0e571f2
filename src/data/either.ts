import type { PrepareContext, Sample } from "./sample.js";

/** What a data set knows of a question between two alternatives. */
interface Either {
  /** Correct and incorrect. */
  readonly answers: readonly [string, string];
  /** What stands for them in the corrupt question; undefined where nothing can. */
  readonly replacements: readonly [string, string] | undefined;
  readonly correctFirst: boolean;
  /** The question that names both words, in this order. */
  readonly write: (first: string, second: string) => string;
}

/**
 * The question, and the corrupt one with the replacements in the alternatives' order. Where there are none, or they
 * change the number of the question's word pieces or none of its words, there is no corrupt question: the sample still
 * serves image pairs.
 *
 * @throws NoticeError `tokens`, `options` where the question cannot be asked.
 */
export function askEither(
  { answers, replacements, correctFirst, write }: Either,
  pieces: PrepareContext["pieces"],
): Pick<Sample, "question" | "answers" | "corruptQuestion"> {
  const ordered = ([correct, incorrect]: readonly [string, string]) =>
    correctFirst ? write(correct, incorrect) : write(incorrect, correct);
  const question = ordered(answers);
  const count = pieces(question);
  const corrupt = replacements && ordered(replacements);
  if (corrupt === undefined || corrupt === question || pieces(corrupt) !== count) return { question, answers };
  return { question, answers, corruptQuestion: corrupt };
}
