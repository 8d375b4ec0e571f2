import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import {
  loadTokenizer,
  MAX_CHARACTERS,
  parseTokenizer,
  parseTokenizerConfig,
  parseVocabulary,
} from "../../src/words/tokenizer.js";
import { firstPiece } from "../../src/words/words.js";
import { bertWords } from "../support/bert-words.js";
import { refused } from "../support/refused.js";
import { charactersRead } from "../support/work.js";

const fixture = (name: string) => readFileSync(`test/fixtures/tokens/${name}`, "utf8");
const expected = JSON.parse(fixture("expected.json")) as {
  sum: string;
  texts: string[];
  settings: { config: object; ids: number[][]; decoded: string[] | null }[];
  small: { text: string; ids: number[]; tokens: string[] }[];
};

const vocabulary = `${bertWords.join("\n")}\n`;
const bert = parseVocabulary(vocabulary, "vocab.txt");

test("the real vocabulary's ids are those of Hugging Face, whatever the text and the settings", () => {
  assert.is(bertWords.length, 30_522);
  assert.is(createHash("sha256").update(bertWords.join("\n")).digest("hex"), expected.sum);
  for (const { config, ids } of expected.settings) {
    const tokenizer = parseVocabulary(vocabulary, "vocab.txt", config);
    expected.texts.forEach((text, i) => {
      const encoding = tokenizer.encode(text);
      assert.equal(encoding.ids, ids[i], `${JSON.stringify(config)} ${JSON.stringify(text)}`);
      assert.equal(
        encoding.tokens.map((token) => tokenizer.idOf(token)),
        ids[i],
      );
    });
  }
});

test("ids decode to Hugging Face's text", () => {
  const { ids, decoded } = expected.settings[0]!;
  ids.forEach((each, i) => {
    assert.is(bert.decode(each), decoded![i]);
  });
  assert.is(bert.decode([30_522, 2417, 102]), "red");
  assert.is(bert.decode([]), "");
});

test("tokenizer.json with its config, and special tokens of the checkpoint's own", async () => {
  const files = {
    name: "folder",
    text: async (file: string) => (file.endsWith(".json") ? fixture(file) : undefined),
    bytes: async () => undefined,
  };
  const tokenizer = await loadTokenizer(files);
  for (const { text, ids, tokens } of expected.small) {
    assert.equal(tokenizer.encode(text).ids, ids);
    assert.equal(tokenizer.encode(text).tokens, tokens);
  }
  assert.is(tokenizer.idOf("[DEC]"), 5);
  assert.is(tokenizer.tokenOf(5), "[DEC]");
  assert.is(tokenizer.tokenOf(99), undefined);
  assert.equal(tokenizer.special, { cls: 2, sep: 3, unk: 1 });
});

test("vocab.txt alone is enough, with any line ends, and neither file is not", async () => {
  const files = (texts: Record<string, string>) => ({
    name: "folder",
    text: async (file: string) => texts[file],
    bytes: async () => undefined,
  });
  const windows = await loadTokenizer(files({ "vocab.txt": vocabulary.replaceAll("\n", "\r\n") }));
  assert.equal(windows.encode("is this red?"), bert.encode("is this red?"));
  const error = await loadTokenizer(files({})).catch((error: unknown) => error);
  assert.match((error as NoticeError).message, "folder has neither tokenizer.json nor vocab.txt");
});

test("too long is refused, cheaply", async () => {
  assert.is(bert.encode("red ".repeat(510), { maxTokens: 512 }).ids.length, 512);
  await refused(() => bert.encode("red ".repeat(511), { maxTokens: 512 }), "tokens", /513 tokens .* at most 512/);
  const huge = "x".repeat(100_000_000);
  const read = await charactersRead(async () => {
    await refused(() => bert.encode(huge), "tokens", `100000000 characters; at most ${MAX_CHARACTERS}`);
    await refused(() => firstPiece(bert, huge), "tokens", "characters");
  });
  assert.ok(read < 10_000, `${read} characters were read`);
});

const small = JSON.parse(fixture("tokenizer.json"));
const refusals: [name: string, json: string, message: RegExp][] = [
  ["no JSON", "{", /^t.json is not JSON/],
  ["another kind of JSON", "[]", /^t.json is not a BERT WordPiece tokenizer: the file/],
  ["no model", JSON.stringify({ ...small, model: undefined }), /model/],
  ["BPE", JSON.stringify({ ...small, model: { type: "BPE", vocab: {}, merges: [] } }), /model.type/],
  ["another normaliser", JSON.stringify({ ...small, normalizer: { type: "NFC" } }), /normalizer.type/],
  ["no normaliser", JSON.stringify({ ...small, normalizer: null }), /normalizer/],
  ["a fractional id", JSON.stringify({ ...small, model: { ...small.model, vocab: { "[CLS]": 1.5 } } }), /\[CLS\]/],
  [
    "one id for two",
    JSON.stringify({ ...small, model: { ...small.model, vocab: { a: 0, "[PAD]": 0 } } }),
    /one id|lacks/,
  ],
  [
    "no frame",
    JSON.stringify({ ...small, post_processor: { type: "TemplateProcessing", single: [] } }),
    /post_processor/,
  ],
  ["no [CLS]", JSON.stringify({ ...small, added_tokens: [], model: { ...small.model, vocab: { a: 0 } } }), /\[CLS\]/],
];
for (const [name, json, message] of refusals)
  test(`tokenizer.json is refused: ${name}`, async () => {
    await refused(() => parseTokenizer(json, "t.json"), "checkpoint", message);
  });

test("a vocabulary or config that is none is refused", async () => {
  await refused(() => parseVocabulary("", "vocab.txt"), "checkpoint", /^vocab.txt/);
  await refused(() => parseVocabulary("a\nb\n", "vocab.txt"), "checkpoint", "[CLS]");
  await refused(
    () => parseTokenizerConfig('{"do_lower_case": "yes"}', "c.json"),
    "checkpoint",
    /^c.json .*do_lower_case/,
  );
});

test("each of [CLS], [SEP] and [UNK] must be there", async () => {
  const needed = ["[CLS]", "[SEP]", "[UNK]"];
  assert.equal(parseVocabulary(["[PAD]", ...needed, "a"].join("\n"), "vocab.txt").special, { cls: 1, sep: 2, unk: 3 });
  for (const absent of needed) {
    const rest = ["[PAD]", ...needed.filter((token) => token !== absent), "a"];
    await refused(() => parseVocabulary(rest.join("\n"), "vocab.txt"), "checkpoint", /^vocab.txt lacks one of /);
  }
});

test("a vocabulary of more than a million tokens is refused before it is made", async () => {
  const lines = (count: number) => `[PAD]\n[UNK]\n[CLS]\n[SEP]\n${"\n".repeat(count)}`;
  await refused(() => parseVocabulary(lines(1_000_000), "vocab.txt"), "checkpoint", "more than 1000001 lines");
  const json = (vocab: string) => JSON.stringify({ ...small, model: { vocab: "?" } }).replace('"?"', `{${vocab}}`);
  await refused(
    () => parseTokenizer(json(`"a":[${"1,".repeat(2_000_000)}1]`), "t.json"),
    "checkpoint",
    "t.json",
    "more than 2000000 values",
  );
  const wrong = `${Array.from({ length: 50_000 }, (_, i) => `"t${i}":${-i}`)}`;
  const message = await refused(() => parseTokenizer(json(wrong), "t.json"), "checkpoint", "model.vocab.t1: expected");
  assert.is(message.split(";").length, 1);
});

test("added tokens are few and short", async () => {
  const added = (count: number, content: (i: number) => unknown) =>
    JSON.stringify({ ...small, added_tokens: Array.from({ length: count }, (_, i) => content(i)) });
  const long = (i: number) => ({ id: i, content: `${i}${"x".repeat(1000)}` });
  await refused(() => parseTokenizer(added(1000, long), "t.json"), "checkpoint", "added_tokens", "200000 characters");
  const message = await refused(
    () =>
      parseTokenizer(
        added(20_000, () => 0),
        "t.json",
      ),
    "checkpoint",
    "added_tokens",
  );
  assert.match(message, "10000");
});

test("any mutated tokenizer.json gives a tokenizer or a NoticeError", () => {
  let state = 7;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const text = fixture("tokenizer.json").replace(/\s+/g, " ");
  const pieces = ["null", "-1", "1e99", '""', "[]", "{}", "true", '"##"', ",", "}", '"__proto__": 3,', "\\u0000"];
  const counts = { built: 0, refused: 0 };
  for (let round = 0; round < 3000; round++) {
    const at = next(text.length);
    // Mostly a whole value, so that the JSON stays well formed.
    const value = /(?<=: )("[^"]*"|[\w.-]+)/g;
    value.lastIndex = at;
    const hit = round % 4 === 0 ? undefined : value.exec(text);
    const [from, to] = hit ? [hit.index, hit.index + hit[0].length] : [at, at + next(5)];
    const mutated = text.slice(0, from) + pieces[next(pieces.length)] + text.slice(to);
    try {
      const tokenizer = parseTokenizer(mutated, "t.json");
      tokenizer.decode(tokenizer.encode("Is the striped [DEC] star?").ids);
      counts.built++;
    } catch (error) {
      assert.instance(error, NoticeError, `round ${round}: ${(error as Error).stack}`);
      counts.refused++;
    }
  }
  assert.ok(counts.built > 100 && counts.refused > 1000, JSON.stringify(counts));
});

test.run();
