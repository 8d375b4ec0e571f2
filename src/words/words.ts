import { NoticeError } from "../base/errors.js";
import { type Encoding, quoted, type Tokenizer } from "./tokenizer.js";

/**
 * Where a word, or several words in a row, stand in an encoded text: for each occurrence the indices of its tokens.
 * Whole words only: "red" is not found in "red ##ness".
 *
 * @throws NoticeError `tokens` where the word is empty, not in the vocabulary, or not in the text.
 */
export function positionsOf(tokenizer: Tokenizer, encoding: Encoding, word: string): number[][] {
  const pieces = piecesOf(tokenizer, word, "word");
  const { tokens, text } = encoding;
  const found: number[][] = [];
  for (let start = 0; start + pieces.length <= tokens.length; start++)
    if (pieces.every((piece, i) => piece === tokens[start + i]) && !tokens[start + pieces.length]?.startsWith("##"))
      found.push(pieces.map((_, i) => start + i));
  if (found.length === 0)
    throw new NoticeError(
      "tokens",
      `The word ${quoted(word)} (${pieces.join(" ")}) is not in ${quoted(text)}, whose tokens are ${tokens.join(" ")}. Give one of its words, or an index.`,
    );
  return found;
}

/**
 * The token an answer is read by: the first word piece of its tokenisation, after [CLS].
 *
 * @throws NoticeError `tokens` where the answer is empty or not in the vocabulary.
 */
export function firstPiece(tokenizer: Tokenizer, answer: string): { id: number; token: string } {
  const [token] = piecesOf(tokenizer, answer, "answer");
  return { id: tokenizer.idOf(token!)!, token: token! };
}

/** The tokens without [CLS] and [SEP]: at least one, and none of them special. */
function piecesOf(tokenizer: Tokenizer, text: string, what: "word" | "answer"): readonly string[] {
  const { tokens, ids } = tokenizer.encode(text);
  const pieces = tokens.slice(1, -1);
  if (pieces.length === 0) throw new NoticeError("tokens", `The ${what} ${quoted(text)} is empty. Give a word.`);
  const { unk, cls, sep } = tokenizer.special!;
  if (ids.slice(1, -1).some((id) => id === unk || id === cls || id === sep))
    throw new NoticeError(
      "tokens",
      `The ${what} ${quoted(text)} is not in the vocabulary: it becomes ${pieces.join(" ")}. Give other words.`,
    );
  return pieces;
}
