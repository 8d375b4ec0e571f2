import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { openDataset } from "../../src/data/datasets.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { table } from "../../src/data/table.js";
import { CONTEXT, collect, folderOf, pieces, reasons } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const folder = folderOf(["images/a.png", "images/b.png", "images/mask.png", "images/a b.png"]);
const whole = {
  image: "images/a.png",
  corruptImage: "images/b.png",
  question: "is it red or blue?",
  corruptQuestion: "is it tall or flat?",
  answers: ["red", "blue"],
};
const line = (changes: Record<string, unknown> = {}) => JSON.stringify({ ...whole, ...changes });

async function read(file: string, content: string, changes: Partial<PrepareContext> = {}) {
  writeFileSync(join(folder, file), content);
  return collect(table(join(folder, file), { ...CONTEXT, ...changes }));
}

const sample = {
  id: "a",
  dataset: "mine",
  group: "all",
  image: join(folder, "images/a.png"),
  corruptImage: join(folder, "images/b.png"),
  question: "is it red or blue?",
  corruptQuestion: "is it tall or flat?",
  answers: ["red", "blue"],
};

test("JSONL and CSV say the same; what is not there is left out", async () => {
  const all = { id: "x.1", dataset: "d", group: "g", mask: "images/mask.png" };
  const bare = { corruptImage: undefined, corruptQuestion: undefined, id: "y", answers: undefined, correct: "red", incorrect: "blue" }; // biome-ignore format: one row
  const expected = [
    { ...sample },
    { ...sample, ...all, mask: join(folder, "images/mask.png") },
    { id: "y", dataset: "mine", group: "all", image: sample.image, question: sample.question, answers: sample.answers },
  ];
  const jsonl = await read("mine.jsonl", `\ufeff${line()}\n\n${line(all)}\r\n${line(bare)}`);
  assert.equal(jsonl, { samples: expected, excluded: [] });
  const csv = await read(
    "mine.csv",
    "\ufeffmask,id,dataset,group,image,corruptImage,question,corruptQuestion,answers,correct,incorrect,comment\n" +
      ',,,,images/a.png,images/b.png,is it red or blue?,is it tall or flat?,"red, blue",,,\n' +
      'images/mask.png,x.1,d,g,images/a.png,images/b.png,is it red or blue?,is it tall or flat?,"red,blue",,,"a, ""b"""\n' +
      ",y,,,images/a.png,,is it red or blue?,,,red,blue,\n",
  );
  assert.equal(csv, { samples: expected, excluded: [] });
});

test("ids: the base name, then path and row; what is given stays, and is never there twice", async () => {
  const content = [
    line(),
    line({ image: "images/a b.png" }),
    line(),
    line({ id: "a" }),
    line({ id: "b" }),
    line({ id: 7 }),
  ].join("\n");
  const { samples, excluded } = await read("mine.jsonl", content);
  assert.equal(
    samples.map(({ id }) => id),
    ["a", "a..b", "images.a.3", "b", "7"],
  );
  assert.equal(
    excluded.map(({ source, reason }) => [source, reason]),
    [["mine.jsonl line 4", "repeated id"]],
  );
});

const bad: Record<string, [reason: string, ...rows: string[]]> = {
  "what is no row": [
    "broken row",
    "{",
    "[1]",
    "null",
    "7",
    '"a"',
    "[".repeat(100_000),
    `{"a":"${"x".repeat(1_100_000)}"}`,
  ],
  "what lacks a field": [
    "broken row",
    line({ image: undefined }),
    line({ question: "" }),
    line({ answers: undefined }),
  ],
  "wrong answers": ["broken row", line({ answers: ["red"] }), line({ answers: "red,blue" }), line({ answers: ["red", "red"] }), line({ answers: undefined, correct: "red" })], // biome-ignore format: a list
  "names that are none": [
    "broken row",
    line({ id: "../a" }),
    line({ dataset: "a/b" }),
    line({ group: "" }),
    line({ id: ".." }),
    line({ id: 7.5 }),
    line({ id: true }),
  ],
  "paths that lead out": [
    "outside the folder",
    line({ image: "../a.png" }),
    line({ image: "/etc/passwd" }),
    line({ corruptImage: "images/../../a.png" }),
    line({ mask: "C:\\a.png" }),
    line({ mask: "images\\..\\..\\a.png" }),
    line({ image: "images/a.png\0" }),
  ],
  "names that no field has": [
    "misnamed field",
    line({ answers: undefined, answer: ["red", "blue"] }),
    line({ corruptImage: undefined, corrupt_image: "images/b.png" }),
    line({ corruptQuestion: undefined, CorruptQuestion: "is it tall or flat?" }),
  ],
  "no such picture": [
    "missing image",
    line({ image: "images/none.png" }),
    line({ corruptImage: "none.png" }),
    line({ image: "images" }),
  ],
  "no such mask": ["missing mask", line({ mask: "images/none.png" })],
  "questions of different length": ["unequal questions", line({ corruptQuestion: "is it wonderful or blue?" })],
};
for (const [name, [reason, ...rows]] of Object.entries(bad))
  test(`${name}: counted, named, and the others stay`, async () => {
    const { samples, excluded } = await read("mine.jsonl", [line({ id: "1" }), ...rows, line({ id: "2" })].join("\n"));
    assert.equal(
      samples.map(({ id }) => id),
      ["1", "2"],
    );
    assert.equal(reasons(excluded), { [reason]: rows.length });
    assert.equal(
      excluded.map(({ source }) => source),
      rows.map((_, i) => `mine.jsonl line ${i + 2}`),
    );
    assert.ok(excluded.every(({ detail }) => detail.length > 0 && detail.length <= 300));
  });

test("null is absent", async () => {
  const absent = { corruptQuestion: null, group: null, mask: null, id: null, dataset: null };
  const { samples, excluded } = await read("mine.jsonl", line(absent));
  const { corruptQuestion: _, ...rest } = sample;
  assert.equal({ samples, excluded }, { samples: [rest], excluded: [] });
});

test("a misnamed column is named with the one that was meant; others may be called as they like", async () => {
  const rows = (column: string) =>
    read(
      "mine.csv",
      `image,question,${column},corruptImage,idx,note\nimages/a.png,is it?,"red,blue",images/b.png,1,x\n`,
    );
  const { excluded } = await rows("answer");
  assert.equal(excluded, [
    {
      dataset: "mine",
      source: "mine.csv row 1",
      reason: "misnamed field",
      detail: 'there is no field "answer"; did you mean answers?',
    },
  ]);
  assert.is((await rows("answers")).samples.length, 1);
});

test("paths outside the table's folder: by the rule's name, and with the folder that allows them", async () => {
  const pictures = folderOf(["red.png", "blue.png"]);
  const row = `image,question,answers,corruptImage\n${pictures}/red.png,is it?,"red,blue",${pictures}/blue.png\n`;
  const [left] = (await read("mine.csv", row)).excluded;
  assert.is(left!.reason, "outside the folder");
  assert.match(left!.detail, /red\.png" is no path below the table's folder; --data DIR \(the folder of openDataset\)/);
  const file = join(folder, "mine.csv");
  const { samples } = await collect(openDataset(file, pictures)(CONTEXT));
  assert.equal(
    samples.map(({ image, corruptImage }) => [image, corruptImage]),
    [[join(pictures, "red.png"), join(pictures, "blue.png")]],
  );
  // Below that folder or the table's, and nowhere else.
  const lines = [line(), line({ image: "/etc/passwd" }), line({ image: `${pictures}/../x.png` })].join("\n");
  writeFileSync(file.replace("csv", "jsonl"), lines);
  const found = await collect(openDataset(file.replace("csv", "jsonl"), pictures)(CONTEXT));
  assert.equal([found.samples.length, reasons(found.excluded)], [1, { "outside the folder": 2 }]);
});

test("a CSV row of another width is broken", async () => {
  const { samples, excluded } = await read(
    "mine.csv",
    "image,question,answers\nimages/a.png,is it,red,blue\nimages/a.png\n",
  );
  assert.equal(samples, []);
  assert.equal(reasons(excluded), { "broken row": 2 });
});

test("of a scene's masks, that of what is asked about; task and aspect are data set and group", async () => {
  const masks = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `images/${name}.png`]));
  const names = ["star", "circle", "face", "face.eyes", "hair", "subject", "object", "verb", "subject.arms"];
  for (const name of names) writeFileSync(join(folder, `images/${name}.png`), "");
  const rows = [
    { task: "attributes", aspect: "colour", question: "is this star red or blue?", masks: masks("circle", "star") },
    {
      task: "faces",
      aspect: "expression",
      question: "is this person feeling sad or angry?",
      masks: masks("hair", "face.eyes", "face"),
    },
    {
      task: "actions",
      aspect: "object",
      question: "is man riding dog or box?",
      masks: masks("subject", "object", "verb"),
    },
    { task: "actions", aspect: "subject", question: "is man or boy riding dog?", masks: masks("object", "subject") },
    {
      task: "actions",
      aspect: "verb",
      question: "is man riding or pulling dog?",
      masks: masks("verb", "object", "subject"),
    },
    { task: "attributes", aspect: "colour", question: "is this star red or blue?", masks: masks("circle") },
    { question: "is this star red or blue?", masks: ["a"], mask: "images/mask.png" },
  ];
  const content = rows.map((row, i) => line({ id: `${i}`, corruptQuestion: undefined, ...row })).join("\n");
  const { samples, excluded } = await read("pairs.jsonl", content);
  assert.equal(excluded, []);
  assert.equal(
    samples.map(({ dataset, group, mask }) => [dataset, group, mask?.slice(folder.length + 8)]),
    [
      ["attributes", "colour", "star.png"],
      ["faces", "expression", "face.png"],
      ["actions", "object", "object.png"],
      ["actions", "subject", "subject.png"],
      ["actions", "verb", "subject.png"],
      ["attributes", "colour", undefined],
      ["pairs", "all", "mask.png"],
    ],
  );
});

test("a template is laid around both questions", async () => {
  const { samples } = await read("mine.jsonl", line(), { template: "Question: {{ question }} Answer:" });
  assert.equal(
    [samples[0]!.question, samples[0]!.corruptQuestion],
    ["Question: is it red or blue? Answer:", "Question: is it tall or flat? Answer:"],
  );
});

test("a question that the model cannot take is no sample", async () => {
  const limited = (text: string) => {
    if (text.includes("moon")) throw new NoticeError("tokens", "too many");
    return pieces(text);
  };
  const { excluded } = await read("mine.jsonl", `${line()}\n${line({ question: "moon?" })}`, { pieces: limited });
  assert.equal(reasons(excluded), { "unusable question": 1 });
});

test("what is no table", async () => {
  await refused(() => read("mine.txt", ""), "options", "by its ending");
  await refused(() => read("mine.csv", "image,answers\n"), "options", "no column question");
  const wide = `image,question,answers${",x".repeat(1000)}\n`;
  await refused(() => read("mine.csv", wide), "options", "has 1003 columns; at most 1000 are read");
  await refused(() => collect(table(join(folder, "none.jsonl"), CONTEXT)), "options", "no such file");
  await refused(() => collect(table(join(folder, "images"), CONTEXT)), "options", "by its ending");
  await refused(() => collect(table(join(folderOf(["a.csv/b"]), "a.csv"), CONTEXT)), "options", "not a file");
});

test.run();
