import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { partOf } from "../../src/files/leftovers.js";
import { checkOutput, type OutputKind, writeOutput } from "../../src/files/output.js";
import { writeWhole } from "../../src/files/write.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

const PAIR = [
  ...["--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE],
  ...["--question", CLEAN_QUESTION, "--answers", ANSWERS.join(",")],
];

/** A folder with a file of a user's own. */
function holding(name: string, content: string | Uint8Array): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

test("what a command wrote may be written again", async () => {
  const folder = temporaryFolder();
  const [json, png] = [join(folder, "scores.json"), join(folder, "map.png")];
  for (const [command, ...args] of [
    ["sweep", NARROW, ...PAIR, "--png", png],
    ["attribute", NARROW, ...PAIR, "--png", png],
    ["path", NARROW, ...PAIR, "--from", "text.cross.z:L0H1", "--to", "answer", "--mediated"],
    ["faithful", NARROW, ...PAIR, "--heads", "text.cross.z:L0H1", "--random", "1"],
    ["ask", NARROW, "--image", CLEAN_IMAGE, "--question", CLEAN_QUESTION],
    ["doctor"],
  ] as const) {
    const { code, stderr } = await noticeHere(command, ...args, "--json", json);
    assert.is(code, 0, `${command}: ${stderr}`);
    await checkOutput(json, "json");
  }
  await checkOutput(png, "png");
  const empty = holding("empty.json", "");
  await writeOutput(empty, "json", "{}\n");
  assert.is(readFileSync(empty, "utf8"), "{}\n");
});

test("what somebody else wrote is refused before the work, and stays", async () => {
  const photo = join(temporaryFolder(), "photo.png");
  copyFileSync(CLEAN_IMAGE, photo);
  for (const [file, ...option] of [
    [holding("package.json", '{\n  "name": "mine",\n  "vlm-notice": "1"\n}\n'), "--json"],
    [holding("notes.txt", "mine"), "--json"],
    [holding("config.json", readFileSync(join(NARROW, "config.json"))), "--json"],
    [photo, "--png"],
  ] as const) {
    const before = readFileSync(file);
    const { code, stderr } = await noticeHere("sweep", "no/model", ...PAIR, option[0], file);
    assert.is(code, 2);
    assert.match(stderr, /there is a file that `notice` did not write/);
    assert.equal(readFileSync(file), before);
  }
});

test("kinds are told apart", async () => {
  const foreign: [OutputKind, string][] = [
    ["jsonl", '{"image":"clean.png","question":"is it red?"}\n'],
    ["jsonl", '{"index":0,"image":"clean.png"}\n'],
    ["json", '{"model":"mine"}'],
    ["scores.csv", "sample,dataset,group\n"],
    ["scores.json", '[{"sample":"0"}]'],
    ["scores.parquet", "PAR1 somebody's PAR1"],
    ["page", "<!doctype html>\n<p>mine"],
    ["svg", '<svg xmlns="http://www.w3.org/2000/svg"></svg>'],
  ];
  for (const [kind, content] of foreign)
    await refused(() => writeOutput(holding("mine", content), kind, "new"), "options", "did not write as", kind);
});

test("a run's own files are no output, through links too and before they are there", async () => {
  const folder = join(temporaryFolder(), "run");
  mkdirSync(join(folder, "figures"), { recursive: true });
  writeFileSync(join(folder, "study.duckdb"), "");
  writeFileSync(join(folder, "settings.json"), "");
  const link = join(temporaryFolder(), "link");
  symlinkSync(folder, link);
  for (const name of [
    "study.duckdb",
    "Study.DuckDB.wal",
    "settings.json",
    "circuits.json",
    "report.html",
    "scenes",
    "figures/001-a.png",
  ])
    for (const file of [join(folder, name), join(link, name)])
      await refused(() => writeOutput(file, "json", "{}"), "options", "belongs to the run");
  await writeOutput(join(folder, "scores.json"), "json", "{}");
  assert.not(existsSync(join(folder, "report.html")));
});

test("a link in the place that is written beside is not followed", async () => {
  const folder = temporaryFolder();
  const [file, mine] = [join(folder, "out.json"), join(folder, "mine")];
  writeFileSync(mine, "mine");
  symlinkSync(mine, partOf(file));
  await writeWhole(file, "{}");
  assert.equal([readFileSync(file, "utf8"), readFileSync(mine, "utf8")], ["{}", "mine"]);
});

test.run();
