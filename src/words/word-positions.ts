import { NoticeError } from "../base/errors.js";
import type { Prompt } from "./reader.js";
import { quoted, type Tokenizer } from "./tokenizer.js";

/**
 * Where a word, or several words in a row, stand in the question of a prompt: for each occurrence the indices of the
 * tokens that hold it. Whole words only: "red" is not found in "redness".
 *
 * @throws NoticeError `tokens` where the word is empty or not in the question.
 */
export function wordPositions(tokenizer: Tokenizer, prompt: Prompt, word: string): number[][] {
  const wanted = word.trim();
  if (wanted === "") throw new NoticeError("tokens", `The word ${quoted(word)} is empty. Give a word.`);
  const spans = characterSpans(tokenizer, prompt);
  const text = spans.map(({ text }) => text).join("");
  const found: number[][] = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    if (isLetter(text[at - 1]) || isLetter(text[end])) continue;
    const tokens = spans.filter(({ start, text }) => start < end && start + text.length > at && text.trim() !== "");
    if (tokens.length > 0) found.push(tokens.map(({ token }) => token));
  }
  if (found.length > 0) return found;
  const tokens = prompt.question.map((token) => prompt.tokens[token]);
  throw new NoticeError(
    "tokens",
    `The word ${quoted(word)} is not in the question, whose tokens are ${tokens.join(" ")}. Give one of its words, or an index.`,
  );
}

const isLetter = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** What each of the question's tokens adds to its text. */
function characterSpans(tokenizer: Tokenizer, { ids, question }: Prompt) {
  let before = "";
  return question.map((token, i) => {
    const through = tokenizer.decode(question.slice(0, i + 1).map((at) => ids[at]!));
    const text = through.startsWith(before) ? through.slice(before.length) : "";
    const start = before.length;
    if (text !== "" || through === before) before = through;
    return { token, text, start };
  });
}
