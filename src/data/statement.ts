import { random } from "../base/random.js";
import { questionTemplate, SENTENCES, TEMPLATES, type Writer } from "../corruption/prompts.js";
import type { PrepareContext, Sample } from "./sample.js";
import { Unusable } from "./unusable.js";

// Samples that are sentences, of which one word makes them true or false: to be matched, or to be gone on with.

/** What a data set knows of a sentence. */
export interface Statement {
  /** What is true of the clean picture, and of the corrupt one. */
  readonly words: readonly [string, string];
  /** Whether the sentence to match is true of the clean picture. */
  readonly isTrue: boolean;
  /** The sentence that says this word. */
  readonly write: (word: string) => string;
}

/** What is said to a model of a sample. */
export type Said = Pick<Sample, "question" | "answers" | "corruptQuestion" | "answerPlace">;

/**
 * The sentence as `as` puts it.
 *
 * - `match`: the sentence; the corrupt one says the other word, which turns `match` into `no match` or the reverse.
 *   Where that changes the number of word pieces there is none. `answer` means the word.
 * - `caption`: what comes before the word; the answers are the two words. `answer` means the last token.
 *
 * @throws Unusable where what comes before the word tells which word it is. @throws NoticeError as `pieces`.
 */
export function state(statement: Statement, { as, pieces }: PrepareContext): Said {
  return as === "caption" ? beginning(statement, pieces) : sentence(statement, pieces);
}

function sentence({ words, isTrue, write }: Statement, pieces: PrepareContext["pieces"]): Said {
  const [said, other] = isTrue ? words : [words[1], words[0]];
  const [question, corrupt] = [write(said), write(other)];
  const answers: Sample["answers"] = isTrue ? ["match", "no match"] : ["no match", "match"];
  const corruptQuestion = pieces(corrupt) === pieces(question) && corrupt !== question ? corrupt : undefined;
  return { question, answers, answerPlace: said, ...(corruptQuestion === undefined ? {} : { corruptQuestion }) };
}

function beginning({ words, write }: Statement, pieces: PrepareContext["pieces"]): Said {
  const [before, other] = words.map((word) => {
    const whole = write(word);
    const at = whole.search(wholeWord(word));
    if (at < 0) throw new Unusable("sentence lacks the word", `${JSON.stringify(word)} is not in: ${whole}`);
    return whole.slice(0, at).trim();
  });
  if (before !== other) throw new Unusable("beginning tells the word", `${words.join(" or ")}: ${before} / ${other}`);
  if (before === "") throw new Unusable("nothing before the word", write(words[0]));
  pieces(before!); // refuses one that is too long
  return { question: before!, answers: words, answerPlace: "last" };
}

/** Whether a sentence is put as it is true of the clean picture: of about every other sample. @param image its path. */
export const isStatedTrue = (seed: number, dataset: string, image: string) => random(seed, dataset, image).chance(0.5);

/** Whether samples are put as questions. */
export const isQuestion = ({ as = "question" }: PrepareContext) => as === "question";

/**
 * Writes the questions, or the sentences, of a data set.
 *
 * @param question variables of its questions. @param sentence of its sentences.
 * @throws NoticeError `options` as `questionTemplate`.
 */
export function writerOf(
  dataset: keyof typeof TEMPLATES,
  context: PrepareContext,
  { question, sentence }: { readonly question: readonly string[]; readonly sentence: readonly string[] },
): Writer<string> {
  const [templates, names] = isQuestion(context) ? [TEMPLATES, question] : [SENTENCES, sentence];
  return questionTemplate(context.template ?? templates[dataset], names);
}

/** Where a text says a word, not where a longer one begins with it. */
export const wholeWord = (word: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\p{L}\\p{N}])`, "giu");

/** The article before a word. No state of MIT-States begins with a vowel that is not heard. */
export const articleOf = (word: string) => (/^[aeiou]/i.test(word) ? "an" : "a");
