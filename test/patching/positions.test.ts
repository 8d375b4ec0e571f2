import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Blip } from "../../src/patching/model.js";
import { type Position, resolvePosition } from "../../src/patching/positions.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

let blip: Blip;

test.before(async () => {
  blip = await loadBlip(NARROW);
});

// [CLS] is it red or stri ##ped ? [SEP]
const QUESTION = "Is it red or striped?";

const answersOf = (correct: string, incorrect: string) => ({
  correct: { text: correct },
  incorrect: { text: incorrect },
});
const ANSWERS = answersOf("red", "blue");

function resolve(position: Position, { question = QUESTION, correct = "red", incorrect = "striped" } = {}): number[] {
  const asked = blip.question(question);
  return resolvePosition(position, asked.tokens.length, asked, answersOf(correct, incorrect));
}

test("indices, sets of them, and all", () => {
  assert.equal(resolve(0), [0]);
  assert.equal(resolve("8"), [8]);
  assert.equal(resolve([5, 3, 5]), [5, 3]);
  assert.equal(resolve("all"), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test("the last token, and the whole question", () => {
  assert.equal(resolve("last"), [8]);
  assert.equal(resolve("question"), resolve("all"));
  assert.equal(resolvePosition("last", 5, undefined, ANSWERS), [4]);
});

test("a word is all of its pieces, wherever it stands", () => {
  assert.equal(resolve("red"), [3]);
  assert.equal(resolve("Striped"), [5, 6]);
  assert.equal(resolve("it red"), [2, 3]);
  assert.equal(resolve("red", { question: "red or red or redy" }), [1, 3]);
});

test("the answer is its first piece in the question, and may be counted from", () => {
  assert.equal(resolve("answer"), [3]);
  assert.equal(resolve("answer", { correct: "striped" }), [5]);
  assert.equal(resolve("answer-1"), [2]); // what the NOTICE notebook reads
  assert.equal(resolve("answer+5"), [8]);
});

test("an answer that stands in the question twice is the alternative, or it asks which", async () => {
  const at = (question: string, correct = "red", incorrect = "blue") =>
    resolve("answer", { question, correct, incorrect });
  assert.equal(at("is the red star red or blue?"), [5]);
  assert.equal(at("is the red star blue or red?"), [7]);
  assert.equal(at("is it red or blue, the red star?"), [3]);
  assert.equal(at("is the red blue star a red or a blue star?"), [7]);
  assert.equal(at("is the red blue star a blue or a red star?", "blue", "red"), [7]);
  assert.equal(at("is the big red or small blue star red or blue?"), [9]);
  const which = "stands in the question at the tokens 1, 3, and none of them alone is the alternative";
  await refused(() => at("red or red?"), "tokens", '"red"', which, "Give the index");
  await refused(() => at("red is red or not?"), "tokens", which);
  await refused(() => at("red or blue or red?"), "tokens", "at the tokens 1, 5");
});

test("positions outside the question", async () => {
  const found = 'no position 9 in the question "[CLS] is it red or stri ##ped ? [SEP]": it has 9, 0 to 8';
  await refused(() => resolve(9), "site", found);
  await refused(() => resolve("9"), "site", found);
  await refused(() => resolve("answer+6"), "site", found);
  await refused(() => resolve("answer-4"), "site", "no position -1");
  await refused(() => resolve(1.5), "site", "no position 1.5");
  await refused(() => resolve([]), "site", "empty set");
});

test("words outside the question, or within a longer one", async () => {
  await refused(
    () => resolve("green"),
    "tokens",
    '"green" (green) is not in "Is it red or striped?"',
    "[CLS] is it red or stri ##ped ?",
  );
  await refused(() => resolve("stri"), "tokens");
  await refused(() => resolve("answer", { correct: "blue" }), "tokens", '"blue"');
  await refused(() => resolve("answer2"), "tokens", '"answer2"');
});

test("an image and the decoder have indices, no words; the whole image has a name", async () => {
  assert.equal(resolvePosition("image", 3, "image", ANSWERS), [0, 1, 2]);
  await refused(() => resolvePosition("image", 3, "answer", ANSWERS), "site", '"image"', "give an index");
  assert.equal(resolvePosition("all", 3, undefined, ANSWERS), [0, 1, 2]);
  assert.equal(resolvePosition("2", 3, undefined, ANSWERS), [2]);
  await refused(() => resolvePosition("red", 3, undefined, ANSWERS), "site", '"red"', "give an index");
  await refused(() => resolvePosition("answer", 3, undefined, ANSWERS), "site", '"answer"');
  await refused(() => resolvePosition(3, 3, undefined, ANSWERS), "site", "no position 3", "it has 3, 0 to 2");
});

test.run();
