import { NoticeError } from "../base/errors.js";
import type { Random } from "../base/random.js";

/** Words by how many word pieces they have. */
export class WordsByPieces {
  readonly #words = new Map<number, string[]>();
  readonly #counts = new Map<string, number | undefined>();

  /** @param pieces word pieces of a word; a NoticeError makes the word unusable. */
  constructor(
    words: Iterable<string>,
    private readonly pieces: (word: string) => number,
  ) {
    // In one order, whatever order they came in.
    for (const word of [...new Set(words)].sort()) {
      const count = this.#count(word);
      if (count === undefined) continue;
      const others = this.#words.get(count);
      if (others) others.push(word);
      else this.#words.set(count, [word]);
    }
  }

  /** The words of as many pieces, itself among them where it is one of these words. */
  like(word: string): readonly string[] {
    const count = this.#count(word);
    return (count === undefined ? undefined : this.#words.get(count)) ?? [];
  }

  #count(word: string): number | undefined {
    if (!this.#counts.has(word)) this.#counts.set(word, countOf(word, this.pieces));
    return this.#counts.get(word);
  }
}

function countOf(word: string, pieces: (word: string) => number): number | undefined {
  try {
    return pieces(word);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    return undefined;
  }
}

/**
 * What stands for a question's two alternatives in a symmetric token replacement (NOTICE, section 3.1): two different
 * words, neither of them an alternative.
 *
 * @param candidates for each alternative, of as many pieces as it has.
 * @returns undefined where there are no such two.
 */
export function replacePair(
  alternatives: readonly [string, string],
  candidates: readonly [readonly string[], readonly string[]],
  choose: Random,
): readonly [string, string] | undefined {
  const [ones, others] = candidates.map((words) => words.filter((word) => !alternatives.includes(word))) as [
    string[],
    string[],
  ];
  const usable = ones.filter((one) => others.some((other) => other !== one));
  if (usable.length === 0) return undefined;
  const one = choose.pick(usable);
  return [one, choose.pick(others.filter((other) => other !== one))];
}
