import { spawn } from "node:child_process";
import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
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
const results = (file = out) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a line of results a pair, in their order; bad lines are named and left out", async () => {
  write(good, "\u001b[2J", good, "", { ...good, image: "../x.png" }, { ...good, image: "nowhere.png" }, good);
  const { code, stdout, stderr } = await noticeHere(...SWEEP, "--workers", "2", "--mode", "text");
  assert.is(code, 2);
  assert.match(stdout, "mean effect over 3 of 3 pairs");
  const lines = stderr.trimEnd().split("\n").sort();
  assert.is(lines.length, 4);
  for (const [i, part] of [
    "line 2: The line is not JSON",
    'line 5: The line is no pair: image: outside the folder: "../x.png" is no path below the list\'s folder; --data DIR allows',
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

test("--data allows pictures elsewhere, by absolute paths too; without it they are refused by the rule's name", async () => {
  const elsewhere = { ...good, image: resolve(CLEAN_IMAGE), corruptImage: resolve(CORRUPT_IMAGE) };
  write(good, elsewhere);
  const other = join(folder, "elsewhere.jsonl");
  const args = SWEEP.map((word) => (word === out ? other : word));
  const refused = await noticeHere(...args, "--workers", "1");
  assert.is(refused.code, 2);
  assert.match(
    refused.stderr,
    /line 2: The line is no pair: image: outside the folder: ".*clean\.png" is no path below the list's folder; --data DIR/,
  );
  rmSync(other);
  const { code, stderr } = await noticeHere(...args, "--workers", "1", "--data", NARROW);
  assert.equal([code, stderr], [0, ""]);
  const [one, two] = results(other);
  assert.equal({ ...one, index: 1 }, two); // the same pictures
  rmSync(other);
});

test("the summary: each head's mean over the pairs of its largest effect, which may be negative", async () => {
  write(good, { ...good, image: "corrupt.png", corruptImage: "clean.png", answers: [...ANSWERS].reverse() });
  const [sweepArgs, mean] = [
    SWEEP.filter((word) => !["--position", "answer", out, "--out"].includes(word)),
    join(folder, "m"),
  ];
  const other = join(folder, "other.jsonl");
  const args = [...sweepArgs, "--out", other, "--workers", "1", "--json", mean];
  const { code, stdout, stderr } = await noticeHere(...args);
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /^denoise text\.cross\.z: mean effect over 2 of 2 pairs .* at the token where it is largest\n/);
  assert.ok(stdout.endsWith(`${other} has the results of 2 pairs\n`));
  const tables = results(other).map(({ metrics }) => metrics.effect as number[][][]);
  const largest = (tokens: number[]) => [...tokens].sort((a, b) => Math.abs(b) - Math.abs(a))[0]!;
  const found = JSON.parse(readFileSync(mean, "utf8"));
  for (const layer of [0, 1])
    for (const head of [0, 1, 2, 3]) {
      const [one, two] = tables.map((table) => largest(table[layer]![head]!)) as [number, number];
      assert.ok(Math.abs(found.mean[layer][head] - (one + two) / 2) < 1e-9);
    }
  assert.is(results(other)[0].mode, "image");
  for (const file of [other, mean]) rmSync(file);
});

test("what is refused before any work leaves the earlier results alone", async () => {
  const earlier = '{"index":0,"model":"of an earlier run"}\n';
  writeFileSync(out, earlier);
  write({});
  const other = SWEEP.map((word) => (word === out ? join(folder, "other.jsonl") : word));
  const cases: [string[], ...string[]][] = [
    [[...SWEEP, "--workers", "1"], "results.jsonl has the results of a run already"],
    [[...other, "--workers", "1"], "line 1: The line is no pair", "no pair left that could be used"],
    [[...SWEEP, "--site", "text.crss.z"], "Did you mean text.cross.z?"],
    [[...other, "--workers", "0"], "workers is 0"],
    [[...SWEEP, "--image", "x.png"], "--pairs", "--image"],
    [[...SWEEP, "--png", "x.png"], "--pairs", "--png"],
    [[...SWEEP, "--mode", "sound"], "--mode", "image, text"],
    [["sweep", NARROW, "--pairs", list], "--out"],
    [["sweep", NARROW, "--pairs", list, "--out", list], "names the list of pairs itself"],
    [["sweep", NARROW, "--pairs", `${list}.none`, "--out", join(folder, "other.jsonl")], "no such file"],
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

const LONG = ["sweep", NARROW, "--pairs", list, "--backend", "wasm", "--workers", "1", "--position", "answer"];
const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0);

/** Gives the command, and a signal when a few results are kept. */
async function interrupted(args: readonly string[], partial: string, signal: NodeJS.Signals, atLeast: number) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr!.on("data", (data) => {
    stderr += data;
  });
  const ended = new Promise((resolve) => child.on("close", (_code, by) => resolve(by)));
  while (linesOf(partial) <= atLeast && child.exitCode === null) await new Promise((next) => setTimeout(next, 5));
  child.kill(signal);
  assert.is(await ended, signal);
  return stderr;
}

test("Ctrl-C and kill -9 lose nothing: the same command goes on, and its results are those of one run", async () => {
  const back = { ...good, image: "corrupt.png", corruptImage: "clean.png", answers: [...ANSWERS].reverse() };
  write(good, { ...good, image: "nowhere.png" }, ...Array.from({ length: 150 }, (_, i) => (i % 2 ? good : back)));
  const [whole, broken] = [join(folder, "whole.jsonl"), join(folder, "broken.jsonl")];
  const partial = `${broken}.partial`;
  const json = (file: string) => ["--json", `${file}.mean`];
  const once = await noticeHere(...LONG, "--out", whole, ...json(whole));
  assert.is(once.code, 2); // nowhere.png
  assert.not(existsSync(`${whole}.partial`));

  const said = await interrupted([...LONG, "--out", broken], partial, "SIGINT", 5);
  assert.match(said, /results are kept in .*broken\.jsonl\.partial: the same command goes on from there/);
  assert.not(existsSync(broken));
  const first = linesOf(partial);
  await interrupted([...LONG, "--out", broken], partial, "SIGKILL", first + 5);
  assert.ok(linesOf(partial) > first);
  appendFileSync(partial, '{"index":'); // of a process killed in the middle of a line
  assert.not(existsSync(broken));

  const before = linesOf(partial);
  const rest = await noticeHere(...LONG, "--out", broken, ...json(broken));
  assert.is(rest.code, 2);
  assert.match(rest.stderr, new RegExp(`broken\\.jsonl\\.partial has ${before - 1} results of an earlier run`));
  assert.match(rest.stderr, "line 2: There is no picture");
  assert.ok(readFileSync(broken, "utf8") === readFileSync(whole, "utf8"), "the results are not those of one run");
  assert.is(readFileSync(`${broken}.mean`, "utf8"), readFileSync(`${whole}.mean`, "utf8"));
  assert.is(rest.stdout.replaceAll("broken", "whole"), once.stdout);
  assert.equal(
    readdirSync(folder).filter((name) => name.includes("part")),
    [],
  );
});

test("kept results of another command, model or list are refused, and stay", async () => {
  const result = join(folder, "other.jsonl");
  const partial = `${result}.partial`;
  write(...Array.from({ length: 2000 }, () => good));
  await interrupted([...LONG, "--out", result], partial, "SIGTERM", 3);
  const kept = readFileSync(partial, "utf8");
  for (const args of [
    [...LONG, "--site", "text.self.z"],
    [...LONG, "--direction", "noise"],
    [...LONG, "--mode", "text"],
    LONG.map((word) => (word === NARROW ? `${NARROW}/` : word)),
    ["attribute", ...LONG.slice(1)],
  ]) {
    const { code, stdout, stderr } = await noticeHere(...args, "--out", result);
    assert.equal([code, stdout], [2, ""], stderr);
    assert.match(stderr, "has results of another command or list. Give another --out");
    assert.ok(readFileSync(partial, "utf8") === kept);
  }
});

test.run();
