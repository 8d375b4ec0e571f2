import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { random } from "../../src/base/random.js";
import { replacePair, WordsByPieces } from "../../src/corruption/replacements.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { loadTokenizer } from "../../src/words/tokenizer.js";
import { NARROW } from "../support/samples.js";

test("words of as many pieces, by a real tokenizer, in one order", async () => {
  const tokenizer = await loadTokenizer(checkpointFolder(NARROW));
  const pieces = (text: string) => tokenizer.encode(text).ids.length - 2;
  const words = ["striped", "red", "green", "is it", "blue", "red"];
  const found = new WordsByPieces(words, pieces);
  assert.equal(found.like("red"), ["blue", "green", "red"]);
  assert.equal(found.like("striped"), ["is it", "striped"]); // stri ##ped
  assert.equal(new WordsByPieces(words.reverse(), pieces).like("green"), ["blue", "green", "red"]);
});

test("a word that cannot be counted replaces nothing and is replaced by nothing", () => {
  const found = new WordsByPieces(["a", "bb", "c"], (word) => {
    if (word === "c" || word === "x") throw new NoticeError("tokens", "none");
    return word.length;
  });
  assert.equal(found.like("z"), ["a"]);
  assert.equal(found.like("x"), []);
  assert.equal(found.like("zzz"), []);
});

test("two different words, neither an alternative, each of them equally often", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const found = replacePair(["a", "b"], [["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "e"]], random(i))!; // biome-ignore format: one call
    counts.set(found.join(""), (counts.get(found.join("")) ?? 0) + 1);
  }
  assert.equal([...counts.keys()].sort(), ["cd", "ce", "dc", "de", "ec", "ed"]);
  for (const count of counts.values()) assert.ok(Math.abs(count - 500) < 4 * Math.sqrt(500), `${count}`);
});

test("the first choice leaves something for the second", () => {
  for (let seed = 0; seed < 50; seed++) {
    assert.equal(replacePair(["a", "b"], [["c", "d"], ["d"]], random(seed)), ["c", "d"]);
    assert.equal(replacePair(["a", "b"], [["c"], ["c", "d"]], random(seed)), ["c", "d"]);
  }
  assert.is(replacePair(["a", "b"], [["c"], ["c"]], random(1)), undefined);
  assert.is(
    replacePair(
      ["a", "b"],
      [
        ["c", "d"],
        ["a", "b"],
      ],
      random(1),
    ),
    undefined,
  );
  assert.is(replacePair(["a", "b"], [[], ["c"]], random(1)), undefined);
});

test.run();
