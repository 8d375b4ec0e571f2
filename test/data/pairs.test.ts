import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { countLines } from "../../src/data/jsonl.js";
import { type PairLine, readPairs } from "../../src/data/pairs.js";
import type { Mode } from "../../src/patching/pair.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const folder = temporaryFolder();
const file = join(folder, "pairs.jsonl");
const whole = {
  image: "images/a.png",
  corruptImage: "images/b.png",
  question: "is it red or blue?",
  corruptQuestion: "is it green or white?",
  answers: ["red", "blue"],
};
const line = (changes: Record<string, unknown> = {}) => JSON.stringify({ ...whole, ...changes });

async function read(content: string | Uint8Array, mode: Mode = "image"): Promise<PairLine[]> {
  writeFileSync(file, content);
  const found: PairLine[] = [];
  for await (const pair of await readPairs(file, mode)) found.push(pair);
  return found;
}

test("either corruption, paths from the list's folder, whatever else a line holds", async () => {
  const { image, corruptImage, question, corruptQuestion, answers } = whole;
  const content = `\ufeff${line({ masks: {} })}\r\n\n  \n${line()}`;
  const pair = { image: join(folder, image), question, answers };
  const images = { ...pair, corruptImage: join(folder, corruptImage) };
  assert.equal(await read(content), [
    { index: 0, pair: images },
    { index: 3, pair: images },
  ]);
  const texts = { ...pair, corruptQuestion };
  assert.equal(await read(content, "text"), [
    { index: 0, pair: texts },
    { index: 3, pair: texts },
  ]);
  assert.is(await countLines(file), 2);
});

const bad: Record<string, [string | Uint8Array, ...string[]]> = {
  "no JSON": ["{", "not JSON in UTF-8"],
  "no UTF-8": [new Uint8Array([0x22, 0xff, 0x22]), "not JSON in UTF-8"],
  "no object": ["[1]", "the line:", "found [1]"],
  nothing: ["null", "the line:", "found null"],
  "no image": [line({ image: undefined }), "image:", "found nothing"],
  "no corruption of this mode": [line({ corruptImage: undefined }), "corruptImage:", "found nothing"],
  "an empty question": [line({ question: "" }), "question:"],
  "a question without end": [line({ question: "red ".repeat(2000) }), "question:"],
  "one answer": [line({ answers: ["red"] }), "answers"],
  "three answers": [line({ answers: ["red", "blue", "green"] }), "answers"],
  "answers that are no text": [line({ answers: ["red", 7] }), "answers.1:", "found 7"],
  "a line without end": [line({ caption: "red ".repeat(300_000) }), "longer than 1048576 bytes"],
  "an abyss": ["[".repeat(200_000), "not JSON"],
};

for (const [name, field, path, ...parts] of [
  ["a path upwards", "image", "../a.png", "../a.png"],
  ["a path down and up", "corruptImage", "images/../../a.png"],
  ["a path upwards in Windows' way", "image", "images\\..\\..\\a.png"],
  ["a path from the root", "image", "/etc/passwd"],
  ["a drive", "image", "C:\\a.png"],
  ["a path with an end in it", "image", "a.png\0.txt"],
] as const)
  bad[name] = [
    line({ [field]: path }),
    `${field}:`,
    "outside the folder",
    "no path below the list's folder; --data DIR",
    ...parts,
  ];

for (const [name, [content, ...parts]] of Object.entries(bad))
  test(`${name} is named and does not stop the others`, async () => {
    const lines = [line(), content, line()].map((part) => Buffer.from(part));
    const [first, second, third, ...more] = await read(
      Buffer.concat(lines.flatMap((part) => [part, Buffer.from("\n")])),
    );
    assert.equal(more, []);
    assert.equal([first!.index, second!.index, third!.index], [0, 1, 2]);
    assert.ok(first!.pair && third!.pair);
    assert.is(second!.refused!.code, "options");
    for (const part of parts) assert.ok(second!.refused!.message.includes(part), second!.refused!.message);
    assert.ok(second!.refused!.message.length < 1000);
  });

test("lines of every length around the chunks of the file", async () => {
  const lengths = Array.from({ length: 40 }, (_, i) => 65_536 * (1 + (i % 3)) - 20 + i);
  const lines = lengths.map((length) => line({ caption: "x".repeat(length - line({ caption: "" }).length) }));
  const found = await read(lines.join("\n"));
  assert.is(found.filter(({ pair }) => pair).length, lengths.length);
});

test("another format than lines of JSON is named as a whole", async () => {
  for (const [content, ...parts] of [
    [JSON.stringify([whole, whole]), "is JSON, but not of one object a line"],
    [JSON.stringify([whole], null, 2), "is JSON, but not of one object a line"],
    [`\ufeff\n${JSON.stringify({ pairs: [whole] }, null, 2)}`, "is JSON, but not of one object a line"],
    ["image,corruptImage,question\na.png,b.png,is it red?\n", "is a table with columns", "notice study --dataset"],
    ['"id";"image"\r\n', "is a table with columns"],
    ["question\timage\n", "is a table with columns"],
  ] as [string, ...string[]][]) {
    writeFileSync(file, content);
    await refused(() => readPairs(file, "image"), "options", "pairs.jsonl", "Give one object a line", ...parts);
  }
  // What is broken in its first line is still a list.
  assert.equal(
    [...(await read(`no image, here\n${line()}\n`))].map(({ index }) => index),
    [0, 1],
  );
});

test("no list", async () => {
  await refused(() => readPairs(join(folder, "none"), "image"), "options", "There is no list of pairs", "no such file");
  await refused(() => readPairs(folder, "image"), "options", "not a file");
  assert.equal(await read(""), []);
});

test.run();
