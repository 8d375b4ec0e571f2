import type { Form } from "../sample.js";
import { type Said, state } from "../statement.js";
import type { Sample } from "./scene.js";

/**
 * A question about a scene as a sentence: "is this star red or blue?" is "this star is red", "is man riding or pulling
 * dog?" is "a man is riding a dog".
 *
 * @param article of a shape.
 * @returns writes it with a word in the place of the alternatives; undefined where it is no question about a scene.
 */
export function sceneSentence(
  question: string,
  [one, other]: readonly [string, string],
  article: "this" | "the",
): ((word: string) => string) | undefined {
  const either = [`${one} or ${other}`, `${other} or ${one}`].find((text) => question.includes(text));
  if (either === undefined || !question.endsWith("?")) return undefined;
  // Alternatives are single words, so that the question has its words in known places.
  const [is, ...words] = question.slice(0, -1).replace(either, HOLE).split(" ");
  const sentence = is === "is" ? sentenceOf(words, article) : undefined;
  return sentence === undefined ? undefined : (word) => sentence.replace(HOLE, word);
}

const HOLE = "_";

function sentenceOf(words: readonly string[], article: string): string | undefined {
  if (words.join(" ") === `this person feeling ${HOLE}`) return `this person is feeling ${HOLE}.`;
  const [first, second, third] = words;
  if (words.length !== 3) return undefined;
  return first === "this" ? `${article} ${second} is ${third}.` : `a ${first} is ${second} a ${third}.`;
}

/**
 * A scene's question and answers as a form puts them.
 *
 * @param isTrue whether a sentence to match is true of the scene.
 */
export function putScene({ question, corruptQuestion, answers }: Sample, as: Form, isTrue: boolean): Said {
  const write = as === "question" ? undefined : sceneSentence(question, answers, as === "match" ? "this" : "the");
  if (!write) return { question, corruptQuestion, answers };
  // A word of a scene is a word piece.
  const pieces = (text: string) => text.split(" ").length;
  return state({ words: answers, isTrue, write }, { as, pieces, seed: 0 });
}

/** Of a world's scenes, put as sentences one after the other, every other one is true. */
export const isTrueAt = (index: number) => index % 2 === 0;

/** What of a scene is asked about: the shape that the question names, the face, the action's object or subject. */
export function askedPart<Part>(
  { task, aspect, question }: Readonly<Record<"task" | "aspect" | "question", unknown>>,
  parts: Readonly<Record<string, Part>>,
): Part | undefined {
  if (task === "faces") return parts.face;
  if (task === "actions") return aspect === "object" ? parts.object : parts.subject;
  return `${question}`.split(/\W+/).flatMap((word) => (Object.hasOwn(parts, word) ? [parts[word]!] : []))[0];
}
