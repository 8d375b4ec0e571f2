import { NoticeError } from "../base/errors.js";
import type { Tokens } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { Encoding } from "../words/tokenizer.js";
import { checkIndex, indexes } from "./run.js";
import type { QuestionSite, Site } from "./sites.js";

/** A question as the text encoder reads it. */
export interface Question extends Encoding {
  /** Of a model that has the picture among its words: which tokens are the picture's. */
  readonly image?: readonly number[];
  /** Of the same: which are those of the words that somebody asked. Default: all. */
  readonly question?: readonly number[];
  /** What `answer` means where it is not the correct answer's own place: a word of the text, or `last`. */
  readonly answerPlace?: string | undefined;
  /**
   * Per occurrence of a word, the indices of its pieces.
   *
   * @throws NoticeError `tokens` where the word is not in the question.
   */
  find(word: string): readonly (readonly number[])[];
}

/**
 * Which tokens are patched: an index ([CLS] is 0), several, `"all"`, `"answer"` (the correct answer's first piece in
 * the question, as an alternative where the word stands there twice; `"answer-1"` is the token before it, which the
 * NOTICE notebook reads), or a word of the question (all of its pieces, wherever it stands; give the index of a word
 * that is a number or one of these names); `"last"`,
 * `"question"` (the words that somebody asked, without what frames them) and, of a model that has the picture among its
 * words, `"image"`. Of an image, indices, or `"all"` and `"image"`, which are the same: 0 is [CLS], patches follow row
 * by row.
 */
export type Position = IndexPosition | string;

/** The same where tokens have no words: those of an image, and the decoder's. */
export type IndexPosition = number | readonly number[] | "all";

/** Words and `answer` only where the tokens are the question's. */
export type PositionAt<A extends ArchitectureName, S extends Site<A> = Site<A>> =
  | { readonly site: S & QuestionSite<A>; readonly position?: Position }
  | { readonly site: S; readonly position?: IndexPosition };

/**
 * By how many tokens `answer`, `answer-1`, … differ from the correct answer's; undefined where a name is none of these.
 */
export function offsetFromAnswer(name: string): number | undefined {
  const relative = /^answer([+-]\d{1,3})?$/.exec(name);
  return relative ? Number(relative[1] ?? 0) : undefined;
}

/**
 * Where an answer's first piece stands in the question. Of a word that stands there more than once ("is the red star
 * red or blue?") it is the place that the nearest "or" joins to the other answer.
 *
 * @throws NoticeError `tokens` where it is not in the question, or no "or" tells which of its places is meant.
 */
function alternativeOf(find: Question["find"], answer: string, other: string): number {
  const [places, others] = [find(answer), placesOf(find, other)];
  if (places.length === 1) return places[0]![0]!;
  const ors = placesOf(find, "or").flat();
  const gaps = places.map((place) => Math.min(...others.map((other) => gapOf(place, other, ors))));
  const least = Math.min(...gaps);
  const nearest = places.filter((_, i) => gaps[i] === least);
  if (least < Infinity && nearest.length === 1) return nearest[0]![0]!;
  throw new NoticeError(
    "tokens",
    `The answer ${JSON.stringify(answer)} stands in the question at the tokens ${places.map(([first]) => first).join(", ")}, ` +
      'and none of them alone is the alternative beside an "or". Give the index of the one that is meant.',
  );
}

/** Tokens between two words that an "or" stands between; Infinity where none does. */
function gapOf(one: readonly number[], other: readonly number[], ors: readonly number[]): number {
  const [first, last] = one[0]! < other[0]! ? [one, other] : [other, one];
  const [from, to] = [first.at(-1)!, last[0]!];
  return ors.some((or) => or > from && or < to) ? to - from : Infinity;
}

/** What of a question says where an answer stands in it. */
type Placed = Pick<Question, "tokens" | "find" | "answerPlace">;

/**
 * The token that `answer` means.
 *
 * @throws NoticeError `tokens` as `alternativeOf`; where the word that it means is not once in the text.
 */
function answerAt({ tokens, find, answerPlace }: Placed, answer: string, other: string): number {
  if (answerPlace === undefined) return alternativeOf(find, answer, other);
  if (answerPlace === "last") return tokens.length - 1;
  const places = find(answerPlace);
  if (places.length === 1) return places[0]![0]!;
  throw new NoticeError(
    "tokens",
    `The word ${JSON.stringify(answerPlace)}, which "answer" means, stands in the text at the tokens ` +
      `${places.map(([first]) => first).join(", ")}. Give the index of the one that is meant.`,
  );
}

/** The token that `answer` means; undefined where there is no such place. */
export function placeOf(question: Placed, answer: string, other: string): number | undefined {
  return unlessRefused(() => answerAt(question, answer, other));
}

const placesOf = (find: Question["find"], word: string) => unlessRefused(() => find(word)) ?? [];

function unlessRefused<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof NoticeError) return undefined;
    throw error;
  }
}

/** What has tokens: a question, whose words are names of them, or something else. */
type Tokened = Question | Tokens;

/** What has the tokens at a site. */
export const tokenedAt = (tokens: Tokens, question: Question | undefined): Tokened | undefined =>
  tokens === "question" ? question : tokens;

/** Both answers, of which only the words count here. */
type Texts = Readonly<Record<"correct" | "incorrect", { readonly text: string }>>;

/**
 * The indices that a position means.
 *
 * @param tokens how many there are at the site.
 * @param of what has these tokens.
 * @param answers where there are some.
 * @throws NoticeError `site` where it means none, `tokens` where it is a word that is not in the question, or an answer
 * whose place is not clear.
 */
export function resolvePosition(
  position: Position,
  tokens: number,
  of: Tokened | undefined,
  answers: Texts | undefined,
): number[] {
  const where =
    typeof of === "object" ? `the question ${JSON.stringify(of.tokens.join(" "))}` : "the tokens of this site";
  if (position === "all") return indexes(tokens);
  const named = typeof position === "string" ? resolveName(position, tokens, of, answers) : position;
  if (typeof named !== "number" && !Array.isArray(named))
    throw new NoticeError(
      "site",
      `Position ${JSON.stringify(position)} is none; give an index, several, a word of the question, "answer" or "all".`,
    );
  const indices = typeof named === "number" ? [named] : [...new Set(named)];
  if (indices.length === 0)
    throw new NoticeError("site", "An empty set of positions patches nothing; give at least one.");
  for (const index of indices) checkIndex("position", index, tokens, where);
  return indices;
}

function resolveName(
  name: string,
  tokens: number,
  of: Tokened | undefined,
  answers: Texts | undefined,
): number | number[] {
  const question = typeof of === "object" ? of : undefined;
  if (name === "last") return tokens - 1;
  if (name === "question" && question) return [...(question.question ?? indexes(tokens))];
  if (/^\d+$/.test(name)) return Number(name);
  if (name === "image" && of === "image") return indexes(tokens);
  if (!question)
    throw new NoticeError(
      "site",
      `Position ${JSON.stringify(name)} is a word, and this site's tokens are not those of the question: give an index, several, or "all".`,
    );
  if (name === "image" && question.image) return [...question.image];
  const offset = offsetFromAnswer(name);
  if (offset !== undefined && !answers)
    throw new NoticeError("site", `Position "${name}" is where a pair's correct answer stands; here, give that word.`);
  if (offset !== undefined) return answerAt(question, answers!.correct.text, answers!.incorrect.text) + offset;
  return question.find(name).flat();
}
