import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { partOf } from "../../src/files/leftovers.js";
import { loadBlip } from "../../src/patching/model.js";
import { sweep } from "../../src/patching/sweep.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { MAIN } from "../support/root.js";
import {
  ANSWERS,
  CLEAN_IMAGE,
  CLEAN_QUESTION,
  CORRUPT_IMAGE,
  CORRUPT_QUESTION,
  NARROW,
  samplePair,
} from "../support/samples.js";

const folder = temporaryFolder();
const list = join(folder, "pairs.jsonl");
const out = join(folder, "results.jsonl");
copyFileSync(CLEAN_IMAGE, join(folder, "clean.png"));
copyFileSync(CORRUPT_IMAGE, join(folder, "corrupt.png"));

const good = {
  image: "clean.png",
  corruptImage: "corrupt.png",
  question: CLEAN_QUESTION,
  corruptQuestion: CORRUPT_QUESTION,
  answers: ANSWERS,
};
const SWEEP = ["sweep", NARROW, "--pairs", list, "--out", out, "--backend", "wasm", "--position", "answer"];

const write = (...lines: unknown[]) =>
  writeFileSync(list, lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""));
const results = () =>
  readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a line of results a pair, in their order; bad lines are named and left out", async () => {
  write(good, "\u001b[2J", good, "", { ...good, image: "../x.png" }, { ...good, image: "nowhere.png" }, good);
  const { code, stdout, stderr } = await noticeHere(...SWEEP, "--workers", "2", "--mode", "text");
  assert.is(code, 2);
  assert.is(stdout, "");
  const lines = stderr.trimEnd().split("\n").sort();
  assert.is(lines.length, 4);
  for (const [i, part] of [
    "line 2: The line is not JSON",
    "line 5: The line is no pair: image",
    "line 6: There is no",
  ].entries())
    assert.ok(lines[i]!.startsWith(`notice: ${list} ${part}`), lines[i]);
  assert.match(lines[3]!, /results\.jsonl has the results of 3 pairs; 3 of .*pairs\.jsonl are left out/);
  assert.not.match(stderr, "\u001b");
  using blip = await loadBlip(NARROW, { backend: "wasm" });
  using pair = await samplePair(blip, "text");
  const right = JSON.parse(JSON.stringify(await sweep(pair, { site: "text.cross.z", position: "answer" })));
  assert.equal(
    results(),
    [0, 2, 6].map((index) => ({ index, ...right })),
  );
  assert.equal(readdirSync(folder).sort(), ["clean.png", "corrupt.png", "pairs.jsonl", "results.jsonl"]);
});

test("nothing to say where nothing is wrong", async () => {
  write(good);
  const { code, stdout, stderr } = await noticeHere(...SWEEP, "--workers", "1", "--layers", "1");
  assert.equal([code, stderr], [0, ""]);
  assert.is(stdout, `${out} has the results of 1 pair\n`);
  assert.is(results()[0].mode, "image");
});

test("what is refused before any work leaves the earlier results alone", async () => {
  const earlier = '{"index":0,"model":"of an earlier run"}\n';
  writeFileSync(out, earlier);
  write({});
  const cases: [string[], ...string[]][] = [
    [[...SWEEP, "--workers", "1"], "line 1: The line is no pair", "no pair left that could be used"],
    [[...SWEEP, "--site", "text.crss.z"], "Did you mean text.cross.z?"],
    [[...SWEEP, "--workers", "0"], "workers is 0"],
    [[...SWEEP, "--image", "x.png"], "--pairs", "--image"],
    [[...SWEEP, "--json", "-"], "--pairs", "--json"],
    [[...SWEEP, "--mode", "sound"], "--mode", "image, text"],
    [["sweep", NARROW, "--pairs", list], "--out"],
    [["sweep", NARROW, "--pairs", list, "--out", list], "names the list of pairs itself"],
    [["sweep", NARROW, "--pairs", `${list}.none`, "--out", out], "no such file"],
    [["sweep", NARROW, "--pairs", list, "--out", join(folder, "none", "x")], "does not exist"],
    [["sweep", NARROW, "--out", out], "go with --pairs"],
    [["sweep", NARROW, "--image", CLEAN_IMAGE], "--image, --question and --answers"],
  ];
  for (const [args, ...parts] of cases) {
    const { code, stdout, stderr } = await noticeHere(...args);
    assert.is(code, 2, stderr);
    assert.is(stdout, "");
    for (const part of parts) assert.ok(stderr.includes(part), `${part} is not in ${stderr}`);
  }
  assert.is(readFileSync(out, "utf8"), earlier);
  assert.equal(readdirSync(folder).sort(), ["clean.png", "corrupt.png", "pairs.jsonl", "results.jsonl"]);
});

test("Ctrl-C in the middle: no results, nothing left beside them, ended by the signal", async () => {
  const result = join(folder, "long.jsonl");
  write(...Array.from({ length: 20_000 }, () => good));
  const args = ["sweep", NARROW, "--pairs", list, "--out", result, "--backend", "wasm", "--workers", "1"];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
  const part = partOf(result).replace(`${process.pid}`, `${child.pid}`);
  while (!existsSync(part) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  const ended = new Promise((resolve) => child.on("close", (_code, signal) => resolve(signal)));
  child.kill("SIGINT");
  assert.is(await ended, "SIGINT");
  assert.not(existsSync(part));
  assert.not(existsSync(result));
});

test.run();
