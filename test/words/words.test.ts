import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseVocabulary } from "../../src/words/tokenizer.js";
import { firstPiece, positionsOf } from "../../src/words/words.js";
import { bertWords } from "../support/bert-words.js";
import { refused } from "../support/refused.js";

const bert = parseVocabulary(bertWords.join("\n"), "vocab.txt");

test("a word is found wherever it stands whole", async () => {
  const question = bert.encode("is the red star red or reddish, or is the unaffable dog red?");
  const { tokens } = question;
  const red = positionsOf(bert, question, "Red");
  assert.equal(
    red,
    tokens.flatMap((token, i) => (token === "red" && tokens[i + 1] !== "##dish" ? [[i]] : [])),
  );
  assert.is(red.length, 3);
  const [pieces] = positionsOf(bert, question, "unaffable");
  assert.equal(
    pieces!.map((i) => tokens[i]),
    ["una", "##ffa", "##ble"],
  );
  assert.equal(positionsOf(bert, question, "the red star"), [[2, 3, 4]]);
  // A prompt may end in any token.
  const open = { ...question, ids: question.ids.slice(0, 5), tokens: tokens.slice(0, 5) };
  assert.equal(positionsOf(bert, open, "star"), [[4]]);
  await refused(
    () => positionsOf(bert, question, "blue"),
    "tokens",
    /"blue" \(blue\) is not in .* tokens are \[CLS\] is the/,
  );
  await refused(() => positionsOf(bert, question, "una"), "tokens", "is not in");
  await refused(() => positionsOf(bert, question, ""), "tokens", "empty");
  await refused(() => positionsOf(bert, question, "[CLS]"), "tokens", "not in the vocabulary");
});

test("an answer is read by its first piece", async () => {
  assert.equal(firstPiece(bert, "red"), { id: 2417, token: "red" });
  assert.equal(firstPiece(bert, "Unaffable dog"), { id: bert.idOf("una"), token: "una" });
  await refused(() => firstPiece(bert, " "), "tokens", /The answer " " is empty/);
  await refused(() => firstPiece(bert, "😀"), "tokens", /"😀" is not in the vocabulary: it becomes \[UNK\]/);
  await refused(() => firstPiece(bert, "red 😀"), "tokens", /red \[UNK\]/);
});

test.run();
