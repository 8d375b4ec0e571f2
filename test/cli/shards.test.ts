import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { partOf, wholeOf } from "../../src/study/scene-accuracy.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
copyFileSync(CLEAN_IMAGE, at("clean.png"));
copyFileSync(CORRUPT_IMAGE, at("corrupt.png"));
const pair = { image: "clean.png", corruptImage: "corrupt.png", question: CLEAN_QUESTION, answers: ANSWERS };
const pairs = [
  pair,
  { ...pair, question: "is it red?" },
  { ...pair, image: "none.png" },
  { ...pair, answers: [ANSWERS[1], ANSWERS[0]] },
  { ...pair, question: "is it" },
];
writeFileSync(at("pairs.jsonl"), pairs.map((line) => `${JSON.stringify(line)}\n`).join(""));

const sweep = (name: string, ...flags: string[]) =>
  noticeHere(
    ...["sweep", NARROW, "--pairs", at("pairs.jsonl"), "--out", at(name), "--backend", "wasm", "--workers", "1"],
    ...flags,
  );
const merge = (out: string, ...names: string[]) => noticeHere("merge", at(out), ...names.map(at));

test("a list in shards becomes the file of the whole list, and its table", async () => {
  const whole = await sweep("whole.jsonl");
  assert.match(whole.stderr, /line 3: .*none\.png/);
  assert.is((await sweep("a.jsonl", "--shard", "0/2")).code, 2, "it has the line that is left out");
  const other = await sweep("b.jsonl", "--shard", "1/2");
  assert.is(other.code, 0, other.stderr);
  const merged = await merge("merged.jsonl", "b.jsonl", "a.jsonl");
  assert.is(merged.code, 0, merged.stderr);
  assert.is(readFileSync(at("merged.jsonl"), "utf8"), readFileSync(at("whole.jsonl"), "utf8"));
  assert.is(merged.stdout.replace("merged.jsonl", "whole.jsonl"), whole.stdout);
});

test("shards of a list that are missing, double, changed, or of another sweep do not merge", async () => {
  const fails = async (what: RegExp, ...names: string[]) => {
    const { code, stderr } = await merge("none.jsonl", ...names);
    assert.is(code, 2);
    assert.match(stderr, what);
  };
  await fails(/1\/2 is missing/, "a.jsonl");
  await fails(/are both 0\/2/, "a.jsonl", "a.jsonl");
  await fails(/is no finished shard/, "a.jsonl", "whole.jsonl");
  const partial = await noticeHere("merge", at("none.jsonl"), at("a.jsonl"), "--partial");
  assert.match(partial.stderr, /--partial goes with run folders/);
  assert.is((await sweep("c.jsonl", "--shard", "1/2", "--site", "text.self.z")).code, 0);
  await fails(/are of other lists, models or sweeps/, "a.jsonl", "c.jsonl");
  appendFileSync(at("b.jsonl"), " ");
  await fails(/b\.jsonl is not as it was/, "a.jsonl", "b.jsonl");
  rmSync(at("c.jsonl"));
  assert.match((await sweep("c.jsonl", "--shard", "2/2")).stderr, /The shard "2\/2" is none/);
  assert.match((await sweep("c.jsonl", "--out", "-", "--shard", "1/2")).stderr, /--shard writes a file/);
  assert.match((await noticeHere("sweep", NARROW, "--shard", "0/2")).stderr, /goes with --pairs/);
});

test("accuracy in shards becomes that of the whole", async () => {
  const accuracy = (name: string, ...flags: string[]) =>
    noticeHere("accuracy", "weights/scenes", "--n", "2", "--backend", "wasm", "--json", at(name), ...flags);
  const whole = await accuracy("whole.json");
  assert.is(whole.code, 0, whole.stderr);
  for (const index of [0, 1]) assert.is((await accuracy(`${index}.json`, "--shard", `${index}/2`)).code, 0);
  assert.match((await merge("merged.json", "0.json")).stderr, /1\/2 is missing/);
  const merged = await merge("merged.json", "1.json", "0.json");
  assert.is(merged.code, 0, merged.stderr);
  assert.is(readFileSync(at("merged.json"), "utf8"), readFileSync(at("whole.json"), "utf8"));
  assert.is(merged.stdout, whole.stdout);
  await accuracy("other.json", "--shard", "1/2", "--seed", "1001");
  assert.match((await merge("none.json", "0.json", "other.json")).stderr, /of other models or scenes/);
  await accuracy("half.json", "--shard", "1/2", "--bits", "16");
  assert.match((await merge("none.json", "0.json", "half.json")).stderr, /or were loaded otherwise/);
  assert.match((await noticeHere("accuracy", NARROW, "--shard", "0/2")).stderr, /needs --json/);
});

test("parts of a list are whole hundreds, and become the list again", () => {
  const all = Array.from({ length: 750 }, (_, i) => i);
  const parts = [0, 1, 2].map((index) => partOf(all, { index, count: 3 }));
  assert.equal(
    parts.map((part) => part.length),
    [300, 250, 200],
  );
  assert.equal(parts[1]!.slice(0, 2), [100, 101]);
  assert.equal(wholeOf(parts, 750), all);
  assert.throws(() => wholeOf([parts[0]!, parts[1]!.slice(1), parts[2]!], 750), /Shard 1\/3 has too few/);
});

test.run();
