import { articleOf, type Statement, wholeWord } from "./statement.js";

/** A word as sentences of the present have it: itself, or with the ending of a plural or of a verb. */
const FORMS: readonly ((word: string) => string)[] = [
  (word) => word,
  (word) => (/(s|x|z|ch|sh)$/.test(word) ? `${word}es` : `${word.replace(/([^aeiou])y$/, "$1ie")}s`),
  (word) => `${stem(word)}ing`,
];

/** ride -> rid, lie -> ly, sit -> sitt */
function stem(word: string): string {
  if (word.endsWith("ie")) return `${word.slice(0, -2)}y`;
  if (/[^aeoy]e$/.test(word)) return word.slice(0, -1);
  return /^[^aeiou]*[aeiou][^aeiouwxy]$/.test(word) ? `${word}${word.at(-1)}` : word;
}

/**
 * A sentence of SVO-Probes with another word in the place of one, in the same form: "A girl is riding a horse." says
 * `ride`, and with `pat` "A girl is patting a horse.".
 *
 * @param said the word of the triplet that the sentence says. @param words what may stand there.
 * @returns undefined where the word does not stand in it exactly once.
 */
export function svoSaying(
  sentence: string,
  said: string,
  words: readonly [string, string],
): Pick<Statement, "words" | "write"> | undefined {
  for (const form of FORMS) {
    const places = [...sentence.matchAll(wholeWord(form(said)))];
    if (places.length === 0) continue;
    if (places.length > 1) return undefined;
    const { index, 0: there } = places[0]!;
    const [before, after] = [sentence.slice(0, index), sentence.slice(index + there.length)];
    const write = (word: string) =>
      word === form(said)
        ? sentence
        : before.replace(/\b(a)n? $/i, (_, a: string) => `${a}${articleOf(word).slice(1)} `) + word + after;
    return { words: [form(words[0]), form(words[1])], write };
  }
  return undefined;
}
