import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { faces } from "../../src/data/faces.js";
import { mitStates } from "../../src/data/mit-states.js";
import type { Dataset } from "../../src/data/sample.js";
import { svoProbes } from "../../src/data/svo-probes.js";
import { table } from "../../src/data/table.js";
import { NoticeError } from "../../src/errors.js";
import { type Random, random } from "../../src/random.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { CONTEXT, collect } from "../support/prepare.js";

// Beside the folder lies what nobody may reach: pictures under names that hostile paths lead to.
const parent = temporaryFolder();
const folder = join(parent, "data");
mkdirSync(join(folder, "images"), { recursive: true });
for (const name of ["../1.jpg", "images/1.jpg", "images/2.jpg", "1.jpg"]) writeFileSync(join(folder, name), "");

const HOSTILE = [
  ...[
    "",
    " ",
    "0",
    "-1",
    "1e999",
    "NaN",
    "null",
    "true",
    "[]",
    "['']",
    "['[]']",
    "[[[[",
    "{}",
    "{{ first }}",
    "{% for x in y %}",
  ],
  ...[
    "../1",
    "../1.jpg",
    "images/../../1.jpg",
    "/etc/passwd",
    "C:\\1.jpg",
    "..\\1.jpg",
    "file:///1.jpg",
    "1\0",
    "\0",
    "\u202e",
    "\ud800",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "a,b,c",
    "a,,c",
    "a,b",
    "person,see,dog",
    ",",
    '"',
    '""',
    "'",
    "\n",
    "\r\n",
    "\t",
    "\\",
  ],
  ...[
    "x".repeat(5000),
    "[".repeat(5000),
    "'a,b,c',".repeat(300),
    "$(reboot)",
    "<script>",
    "ß",
    "👩‍🚀",
    "a\u0301".repeat(100),
  ],
];
const WORDS = [
  "girl",
  "boy",
  "dog",
  "holding",
  "walking",
  "red",
  "blue",
  "True",
  "False",
  "1",
  "2",
  "1.jpg",
  "images/1.jpg",
];

const word = (choose: Random) => choose.pick(choose.chance(0.4) ? HOSTILE : WORDS);
/** As CSV has it, or as it must not. */
const cell = (choose: Random, text = word(choose)) =>
  choose.chance(0.8) ? `"${text.replaceAll('"', '""')}"` : choose.chance(0.5) ? text : `"${text}`;

/** Reads; either it is refused as a whole, or each thing is a sample of files below the folder, or named. */
async function survive(dataset: Dataset, path: string, root: string): Promise<number> {
  try {
    const { samples, excluded } = await collect(dataset(path, CONTEXT));
    for (const sample of samples) {
      assert.match(sample.id, /^[\w.-]+$/);
      for (const file of [sample.image, sample.corruptImage, sample.mask])
        if (file !== undefined) assert.ok(resolve(file).startsWith(root + sep), file);
      assert.ok(sample.question.length > 0 && sample.answers[0] !== sample.answers[1]);
    }
    for (const { source, reason, detail } of excluded)
      assert.ok(source !== "" && reason !== "" && detail.length <= 300, `${source}: ${reason}`);
    return samples.length;
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    assert.ok(error.message.length < 2000);
    return 0;
  }
}

const SVO = ["pos_triplet", "neg_triplet", "pos_image_id", "neg_image_id", "subj_neg", "verb_neg", "obj_neg", "prompt"];
const FIELDS = [
  "id",
  "dataset",
  "group",
  "image",
  "corruptImage",
  "question",
  "corruptQuestion",
  "answers",
  "mask",
  "masks",
];

/** A row of SVO-Probes with some of its cells broken. */
function svoRow(choose: Random): string {
  const sound = [
    "girl,holding,dog",
    "girl,walking,dog",
    "1",
    "2",
    "False",
    "True",
    "False",
    "is girl holding or walking dog?",
  ];
  const cells = sound.map((text) => cell(choose, choose.chance(0.85) ? text : word(choose)));
  if (choose.chance(0.1)) cells.splice(Math.floor(choose.between(0, 8)), 1);
  return cells.join(choose.chance(0.97) ? "," : ";");
}

test("3,000 rows of SVO-Probes in 120 files", async () => {
  let samples = 0;
  for (let file = 0; file < 120; file++) {
    const choose = random("svo", file);
    const header = choose.chance(0.9) ? SVO : SVO.map((name) => (choose.chance(0.8) ? name : word(choose)));
    const rows = Array.from({ length: 25 }, () => svoRow(choose));
    writeFileSync(join(folder, "svo_probes.csv"), [header.join(","), ...rows].join(choose.chance(0.9) ? "\n" : "\r"));
    samples += await survive(svoProbes, folder, folder);
  }
  assert.ok(samples > 10, "nothing sound was left to be read");
});

const value = (choose: Random, depth = 0): unknown => {
  const kind = Math.floor(choose.between(0, depth < 3 ? 9 : 6));
  if (kind < 4) return word(choose);
  if (kind < 6) return choose.pick([null, 0, -1.5, true, 1e300, 2 ** 53]);
  const many = Array.from({ length: Math.floor(choose.between(0, 4)) }, () => value(choose, depth + 1));
  return kind < 8 ? many : Object.fromEntries(many.map((inner) => [word(choose), inner]));
};

function jsonRow(choose: Random): string {
  const sound = { id: `${choose.next()}`, image: "images/1.jpg", question: "is it red?", answers: ["red", "blue"] };
  const broken = Object.fromEntries(FIELDS.filter(() => choose.chance(0.12)).map((name) => [name, value(choose)]));
  const line = JSON.stringify({ ...sound, ...broken });
  if (choose.chance(0.9)) return line;
  const at = Math.floor(choose.between(0, line.length));
  return choose.chance(0.5) ? line.slice(0, at) : line.slice(0, at) + word(choose) + line.slice(at);
}

test("3,000 lines of JSONL in 15 files, 1,000 rows of CSV in 50", async () => {
  let samples = 0;
  for (let file = 0; file < 15; file++) {
    const choose = random("jsonl", file);
    writeFileSync(join(folder, "t.jsonl"), Array.from({ length: 200 }, () => jsonRow(choose)).join("\n"));
    samples += await survive(table, join(folder, "t.jsonl"), folder);
  }
  assert.ok(samples > 300, "nothing sound was left to be read");
  for (let file = 0; file < 50; file++) {
    const choose = random("csv", file);
    const header = choose.chance(0.9) ? FIELDS : FIELDS.map(() => word(choose));
    const rows = Array.from({ length: 20 }, () => header.map(() => cell(choose)).join(","));
    writeFileSync(join(folder, "t.csv"), [header.join(","), ...rows].join("\n"));
    await survive(table, join(folder, "t.csv"), folder);
  }
});

test("bytes that are no text", async () => {
  for (let file = 0; file < 20; file++) {
    const choose = random("bytes", file);
    const bytes = Uint8Array.from({ length: 3000 }, () => choose.between(0, 256));
    const header = Buffer.from(`${SVO.join(",")},image,question\n`);
    for (const [name, dataset] of [
      ["svo_probes.csv", svoProbes],
      ["t.csv", table],
      ["t.jsonl", table],
    ] as const) {
      writeFileSync(join(folder, name), choose.chance(0.5) ? bytes : Buffer.concat([header, bytes]));
      await survive(dataset, dataset === table ? join(folder, name) : folder, folder);
    }
  }
});

test("300 folders and files of any name, as states and as faces", async () => {
  const part = (choose: Random) =>
    choose
      .pick([
        word(choose),
        `${word(choose)} ${word(choose)}`,
        "red star",
        "red_star",
        "adj star",
        "blue star",
        "angry",
        "sad",
        "train",
      ])
      .replace(/[/\0\ud800]/g, "_")
      .slice(0, 60);
  for (let world = 0; world < 10; world++) {
    const choose = random("folders", world);
    const root = join(parent, `world${world}`);
    for (let i = 0; i < 30; i++) {
      const path = join(root, ...[part(choose), part(choose)].filter((name) => !/^\.*$/.test(name)), `${i}${choose.pick([".jpg", ".PNG", ".txt", ""])}`); // biome-ignore format: one path
      assert.ok(path.startsWith(root));
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "");
      } catch {
        // Another name made a file where this one needs a folder.
      }
    }
    for (const dataset of [mitStates, faces]) await survive(dataset, root, root);
    rmSync(root, { recursive: true });
  }
});

test.run();
