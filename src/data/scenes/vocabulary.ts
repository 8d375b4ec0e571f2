/** The words of every scene, by what they say. Each is one token. */
export const words = {
  noun: ["star", "circle", "square", "triangle", "heart", "cross"],
  colour: ["red", "orange", "yellow", "green", "blue", "purple", "white", "black"],
  texture: ["plain", "striped", "dotted", "checkered"],
  size: ["big", "small"],
  form: ["whole", "broken"],
  subject: ["man", "woman", "boy", "girl", "robot"],
  verb: ["carrying", "riding", "pulling", "pushing", "chasing"],
  object: ["dog", "horse", "ball", "box", "car"],
  expression: ["angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"],
} as const;

/** What a question can ask about. */
export type Aspect = Exclude<keyof typeof words, "noun">;
export type Word<A extends keyof typeof words> = (typeof words)[A][number];

const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const functionWords = ["is", "this", "or", "person", "feeling", "a", "the", "and", "it", "?", ".", ","];
const letters = [..."abcdefghijklmnopqrstuvwxyz"];

/** The lines of vocab.txt: every word above, single letters for all others, and BLIP's two start tokens at the end. */
export function vocabulary(): string[] {
  const content = Object.values(words).flat();
  const all = [
    ...specials,
    ...functionWords,
    ...content,
    ...letters,
    ...letters.map((l) => `##${l}`),
    "[DEC]",
    "[ENC]",
  ];
  return [...new Set(all)];
}

const pleasant: readonly string[] = ["happy", "neutral", "surprised"];

/**
 * The words that may stand for `word` in a symmetric token replacement: of the same aspect and as many tokens; for
 * expressions those of the opposite sentiment, for an aspect with two words only those of the other such aspect.
 */
export function replacements(aspect: Aspect, word: string): readonly string[] {
  if (aspect === "size") return words.form;
  if (aspect === "form") return words.size;
  if (aspect === "expression") return words.expression.filter((w) => pleasant.includes(w) !== pleasant.includes(word));
  return words[aspect].filter((w) => w !== word);
}
