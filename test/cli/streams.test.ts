import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useBackend } from "../../src/platform/backend.js";
import { temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { MAIN } from "../support/root.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_QUESTION, NARROW } from "../support/samples.js";

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** The command with a stream whose reader is gone before it writes. */
function unread(stream: "stdout" | "stderr", ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child[stream].destroy();
  child.stdout.resume();
  let stderr = "";
  if (stream === "stdout") child.stderr.on("data", (text) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stderr })));
}

test.before(async () => {
  await useBackend();
});

test("a command goes on where nobody reads what it says on stderr", async () => {
  const folder = temporaryFolder();
  const [list, out] = [join(folder, "pairs.jsonl"), join(folder, "scores.jsonl")];
  writeFileSync(join(folder, "clean.png"), readFileSync(CLEAN_IMAGE));
  const asked = { image: "clean.png", question: CLEAN_QUESTION, answers: ANSWERS };
  const pairs = [{}, { ...asked, corruptQuestion: "is it?" }, { ...asked, corruptQuestion: CORRUPT_QUESTION }];
  writeFileSync(list, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
  const args = ["sweep", NARROW, "--pairs", list, "--mode", "text", "--out", out, "--workers", "1"];
  assert.is((await unread("stderr", ...args)).code, 2); // two lines are refused, and named where nobody reads
  const lines = readFileSync(out, "utf8").trim().split("\n");
  assert.equal(
    lines.map((line) => JSON.parse(line).index),
    [2],
  );
});

test("a command whose output nobody reads on ends quietly", async () => {
  const args = ["ask", NARROW, "--image", CLEAN_IMAGE, "--question", CLEAN_QUESTION];
  assert.equal(await unread("stdout", ...args), { code: 0, signal: null, stderr: "" });
});

if (existsSync("/dev/full"))
  test("standard output on a full disk is a failure that is named; stderr on one is none", async () => {
    const full = openSync("/dev/full", "w");
    const ended = (stdio: ["ignore", number | "ignore", number | "pipe"]) => {
      const child = spawn(process.execPath, [MAIN, "--version"], { stdio });
      let stderr = "";
      child.stderr?.on("data", (text) => (stderr += text));
      return new Promise((resolve) => child.on("close", (code) => resolve([code, stderr])));
    };
    assert.equal(await ended(["ignore", full, "pipe"]), [
      1,
      "notice: standard output cannot be written: its disk is full.\n",
    ]);
    assert.equal(await ended(["ignore", "ignore", full]), [0, ""]);
  });

/**
 * A control of C1 that begins a sequence, marks that turn the order around, one beyond 16 bits, one that says nothing.
 */
const HIDDEN = "\u009b2J\u202e\u2066\u{e0041}\u200b";

test("what a terminal would obey, or read backwards, is escaped in JSON and replaced in tables", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ files }) => {
    const tokenizer = readFileSync(join(NARROW, "tokenizer.json"), "utf8");
    files["tokenizer.json"] = tokenizer.replaceAll('"##ped"', JSON.stringify(HIDDEN));
  });
  const args = ["ask", folder, "--image", CLEAN_IMAGE, "--question", "is it red?", "--top", "81"];
  const file = join(temporaryFolder(), "answer.json");
  const table = await noticeHere(...args, "--json", file);
  assert.match(table.stdout, "\uFFFD2J\uFFFD\uFFFD\uFFFD\uFFFD");
  const json = await noticeHere(...args, "--json", "-");
  for (const { stdout } of [table, json]) assert.not.match(stdout, /[^\P{C}\n]/u);
  const { top } = JSON.parse(json.stdout) as { top: { token: string }[] };
  assert.ok(top.some(({ token }) => token === HIDDEN));
  assert.equal(JSON.parse(readFileSync(file, "utf8")), JSON.parse(json.stdout));
});

test.run();
