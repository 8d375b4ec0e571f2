import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { CLEAN_IMAGE } from "../support/samples.js";

/** A table of one's own with one question that lacks its answer. */
function table(): string {
  const folder = temporaryFolder();
  copyFileSync(CLEAN_IMAGE, join(folder, "clean.png"));
  const row = { image: "clean.png", question: "what colour is it?", answers: ["red", "blue"] };
  writeFileSync(join(folder, "own.jsonl"), `${JSON.stringify(row)}\n`);
  return join(folder, "own.jsonl");
}

test("options of screening, attribution and verification are settings", async () => {
  const out = join(temporaryFolder(), "run");
  const options = ["--screen", "3", "--no-attribution", "--steps", "2", "--verify", "5", "--random-sets", "7"];
  const { code, stderr } = await noticeHere("prepare", "--out", out, "--dataset", table(), ...options);
  assert.is(code, 0, stderr);
  const stored = JSON.parse(readFileSync(join(out, "settings.json"), "utf8"));
  const { screen, attribution, steps, verify, randomSets } = stored;
  assert.equal([screen, attribution, steps, verify, randomSets], [3, false, 2, 5, 7]);
  const changed = await noticeHere("screen", "--out", out, "--attribution");
  assert.is(changed.code, 2);
  assert.match(changed.stderr, /attribution is false there and true here/);
});

test("a table whose questions lack the answers is refused before the model is asked", async () => {
  const out = join(temporaryFolder(), "run");
  const { code, stderr } = await noticeHere("study", "--out", out, "--dataset", table());
  assert.is(code, 2);
  assert.match(stderr, /no question .* has the position "answer".*--position .* such as "\?" \(in 1 of 1\)/i);
  assert.not.match(stderr, /evaluate/);
});

test("stages out of their order", async () => {
  const out = join(temporaryFolder(), "run");
  await noticeHere("prepare", "--out", out, "--dataset", table(), "--screen", "3");
  const screen = await noticeHere("screen", "--out", out);
  assert.is(screen.code, 2);
  assert.match(screen.stderr, /no selected samples yet; `notice select`/);
});

test.run();
