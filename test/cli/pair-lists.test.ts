import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withLock } from "../../src/files/lock.js";
import { attribute } from "../../src/patching/attribute.js";
import { faithfulness } from "../../src/patching/faithful.js";
import { everyHead, headEffects } from "../../src/patching/head-effects.js";
import type { HeadAt } from "../../src/patching/head-place.js";
import type { PairInput } from "../../src/patching/inputs.js";
import { sweepKnockOut } from "../../src/patching/knock-out.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Score } from "../../src/patching/metrics.js";
import type { Blip } from "../../src/patching/model.js";
import { sweepControlled } from "../../src/patching/nulls.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch } from "../../src/patching/patch.js";
import { patchPath } from "../../src/patching/paths.js";
import { sweep } from "../../src/patching/sweep.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

const folder = temporaryFolder();
const [list, other, out, json] = ["pairs.jsonl", "other.jsonl", "results.jsonl", "mean.json"].map((name) =>
  join(folder, name),
) as [string, string, string, string];
copyFileSync(CLEAN_IMAGE, join(folder, "clean.png"));
copyFileSync(CORRUPT_IMAGE, join(folder, "corrupt.png"));
copyFileSync(CORRUPT_IMAGE, join(folder, "third.png"));

const forth = { image: "clean.png", corruptImage: "corrupt.png", question: CLEAN_QUESTION, answers: ANSWERS };
const back = { ...forth, image: "corrupt.png", corruptImage: "clean.png", answers: [ANSWERS[1], ANSWERS[0]] };
const write = (file: string, ...lines: object[]) =>
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
const ARGS = ["--pairs", list, "--backend", "wasm", "--workers", "1"];
const RESULTS = ["--out", out, "--json", json];
const lines = () =>
  readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
/** Starts anew: results that are there are not replaced. */
const fresh = () => rmSync(out, { force: true });
const mean = () => JSON.parse(readFileSync(json, "utf8"));
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const close = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) <= 1e-9, `${what}: ${found} and ${expected}`);

/** What the library says of pairs. */
async function each<Found>(ask: (pair: Pair, blip: Blip) => Promise<Found>, ...pairs: (typeof forth)[]) {
  using blip = await loadBlip(NARROW, { backend: "wasm" });
  const found: Found[] = [];
  for (const { image, corruptImage, ...rest } of pairs) {
    const input = { ...rest, image: join(folder, image), corruptImage: join(folder, corruptImage) } as PairInput;
    using pair = await blip.pair(input);
    found.push(await ask(pair, blip));
  }
  return found;
}

test("attribute --pairs: the library's result of each pair, and their mean", async () => {
  fresh();
  write(list, forth, { ...forth, image: "../x.png" }, back as typeof forth);
  const { code, stdout, stderr } = await noticeHere("attribute", NARROW, ...ARGS, ...RESULTS, "--grad-drop");
  assert.is(code, 2);
  assert.match(stderr, /pairs\.jsonl line 2: The line is no pair/);
  assert.match(stderr, /The mean is over 2 pairs; 1 of .*pairs\.jsonl are left out/);
  assert.match(stdout, /denoise text\.cross\.z: mean effect over 2 of 2 pairs/);
  const expected = await each(
    (pair) => attribute(pair, { site: "text.cross.z", gradDrop: true }),
    forth,
    back as typeof forth,
  );
  assert.equal(
    lines(),
    expected.map((scores, i) => ({ index: 2 * i, ...plain(scores) })),
  );
  const effects = expected.map((scores) => (scores.table("effect") as number[][][])[1]![2]!);
  const sums = effects.map((tokens) => tokens.reduce((sum, effect) => sum + effect, 0));
  close(mean().mean[1][2], (sums[0]! + sums[1]!) / 2, "mean");
  close(mean().meanSize[1][2], (Math.abs(sums[0]!) + Math.abs(sums[1]!)) / 2, "mean size");
});

test("knockout --pairs: the library's table of each pair, cut where its picture has the box, and their mean", async () => {
  fresh();
  write(list, forth, back as typeof forth);
  const cut = ["--from", "answer", "--to", "box:0,0,22,37", "--window", "2"];
  const { code, stdout, stderr } = await noticeHere("knockout", NARROW, ...ARGS, ...RESULTS, ...cut);
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /noise text\.cross\.pattern: mean effect over 2 of 2 pairs/);
  // The left half of a grid of 4 x 4 behind [CLS].
  const place = { site: "text.cross.pattern", from: "answer", to: [1, 2, 5, 6, 9, 10, 13, 14] } as const;
  const expected = await each((pair) => sweepKnockOut(pair, place, { window: 2 }), forth, back as typeof forth);
  assert.equal(
    lines(),
    expected.map((scores, index) => ({ index, ...plain(scores) })),
  );
  const [one, two] = expected.map((scores) => scores.at("effect", 1)!) as [number, number];
  close(mean().mean[1][0], (one + two) / 2, "mean");
  fresh();
  const png = await noticeHere("knockout", NARROW, ...ARGS, ...cut, "--png", join(folder, "x.png"));
  assert.is(png.code, 2);
});

test("knockout --pairs --random: the means of cuts and of random cuts, and their difference beside coins", async () => {
  fresh();
  write(list, forth, back as typeof forth);
  const cut = ["--from", "answer", "--to", "1", "--random", "5"];
  const { code, stdout, stderr } = await noticeHere("knockout", NARROW, ...ARGS, ...RESULTS, ...cut);
  assert.equal([code, stderr], [0, ""]);
  const place = { site: "text.cross.pattern", from: "answer", to: 1 } as const;
  const expected = await each((pair) => sweepControlled(pair, place, { randomSets: 5 }), forth, back as typeof forth);
  assert.equal(
    lines(),
    expected.map((scores, index) => ({ index, ...plain(scores) })),
  );
  const { randomCuts, asked } = mean();
  for (const name of ["effect", "random", "pValue"] as const) {
    const [one, two] = expected.map((scores) => scores.at(name, 1)!) as [number, number];
    close(randomCuts[1][name], (one + two) / 2, name);
  }
  // Each is one of 1/6, … 6/6 by chance: 7/12 on the average, a variance of 35/432, half as much of two.
  close(randomCuts[1].byChance, 7 / 12 - 1.644854 * Math.sqrt(35 / 432 / 2), "by chance");
  assert.equal([asked.cut.to, asked.randomSets], [[1], 5]);
  assert.match(stdout, /layer +effect +random cuts +mean p +by chance above\n/);
});

test("sweep --pairs says what heads do in logits, beside coins; --shuffled exchanges the corrupt pictures", async () => {
  fresh();
  write(list, forth, back as typeof forth);
  const plainly = await noticeHere("sweep", NARROW, ...ARGS, ...RESULTS);
  assert.is(plainly.code, 0, plainly.stderr);
  const { logits, largest } = mean().swappedLabels;
  const strongest = (table: (number | null)[]) =>
    table.reduce((one, other) => (Math.abs(other!) > Math.abs(one!) ? other : one))!;
  const changes = lines().map(({ metrics }) => metrics.logitDiff.map((heads: number[][]) => heads.map(strongest)));
  close(logits[1][2], (changes[0][1][2] + changes[1][1][2]) / 2, "in logits");
  const flat = changes.map((map) => map.flat()) as number[][];
  const either = [1, -1].map((sign) => Math.max(...flat[0]!.map((one, i) => Math.abs(one + sign * flat[1]![i]!) / 2)));
  close(largest, Math.max(...either), "largest by coins");
  assert.match(
    plainly.stdout,
    /In logits: L\dH\d moves the answer most, by -?\d+\.\d\d\. Were the correct answers drawn/,
  );
  assert.match(plainly.stdout, /; 0 of \d+ are above: none\.\n/, "coins make two pairs alike in half of the draws");
  assert.equal(mean().shuffled, undefined);
  fresh();
  assert.is((await noticeHere("sweep", NARROW, ...ARGS, ...RESULTS, "--direction", "noise")).code, 0);
  const noise = lines().map(({ metrics }) => strongest(metrics.logitDiff[1][2]));
  close(mean().swappedLabels.logits[1][2], (noise[0]! + noise[1]!) / 2, "as it changes, in noise too");

  fresh();
  const shuffled = await noticeHere("sweep", NARROW, ...ARGS, ...RESULTS, "--shuffled", "1");
  assert.is(shuffled.code, 0, shuffled.stderr);
  // The one's corrupt picture is the other's clean one.
  assert.is(lines().length, 2);
  for (const { clean, corrupted } of lines()) assert.equal(clean, corrupted);
  assert.equal([mean().swappedLabels, mean().shuffled], [null, 1]);
  assert.match(shuffled.stdout, /each picture with another's corrupt picture \(--shuffled 1\)/);
  // Of three pairs each seed finds one of two exchanges.
  write(list, forth, back as typeof forth, { ...forth, image: "third.png" });
  const readings = new Set<string>();
  for (const seed of ["1", "2", "3", "4", "5"]) {
    fresh();
    assert.is((await noticeHere("sweep", NARROW, ...ARGS, ...RESULTS, "--layers", "0", "--shuffled", seed)).code, 0);
    readings.add(JSON.stringify(lines().map(({ corrupted }) => corrupted)));
  }
  assert.is(readings.size, 2, "exchanges that the seeds find");
  fresh();
  const text = await noticeHere("sweep", NARROW, ...ARGS, ...RESULTS, "--shuffled", "1", "--mode", "text");
  assert.equal([text.code, /--shuffled exchanges corrupt pictures/.test(text.stderr)], [2, true]);
});

test("path --pairs: the library's result of each pair, and their mean", async () => {
  fresh();
  write(list, forth, back as typeof forth);
  const places = ["--from", "text.cross.z:L0H1", "--to", "text.self.q:L1H2", "decoder.cross.v:L0"];
  const { code, stdout, stderr } = await noticeHere("path", NARROW, ...ARGS, ...RESULTS, ...places);
  assert.equal([code, stderr], [0, ""]);
  assert.match(stdout, /means over 2 pairs, effects over 2 of them/);
  const sender = { site: "text.cross.z", layer: 0, head: 1 } as const;
  const receiver = { site: "text.self.q", layer: 1, head: 2 } as const;
  const words = { site: "decoder.cross.v", layer: 0 } as const;
  const expected = await each(
    async (pair) => ({
      paths: [await patchPath(pair, [sender], [receiver]), await patchPath(pair, [sender], [words])],
      plain: await patch(pair, [sender]),
    }),
    forth,
    back as typeof forth,
  );
  const names = ["text.self.q:L1H2", "decoder.cross.v:L0"];
  for (const [i, line] of lines().entries()) {
    assert.equal(
      line.paths,
      expected[i]!.paths.map((path, at) => ({ to: names[at], ...path })),
    );
    assert.equal(line.plain, expected[i]!.plain);
  }
  for (const [at, { to, logitDiff, effect }] of mean().paths.entries()) {
    assert.is(to, names[at]);
    const [one, two] = expected.map(({ paths }) => paths[at]!) as [Score, Score];
    close(logitDiff, (one.logitDiff + two.logitDiff) / 2, "logitDiff");
    close(effect, (one.effect! + two.effect!) / 2, "effect");
  }
});

test("faithful --pairs: heads are ranked on the lines that are not tested, or on another list", async () => {
  write(list, forth, back as typeof forth);
  write(other, back as typeof forth);
  const ranked = async (pair: typeof forth): Promise<HeadAt[]> => {
    const [effects] = await each((made) => headEffects(made), pair);
    const sorted = [...effects!].sort((a, b) => Math.abs(b.effect!) - Math.abs(a.effect!));
    return sorted.slice(0, 3).map(({ site, layer, head }) => ({ site, layer, head }));
  };
  for (const [args, chosen, tested, indexes, says] of [
    [
      [],
      forth,
      [back],
      [1],
      /^Heads ranked on 1 pair of .*, its lines 1, 3, 5, …; tested on 1 pair of .*, its lines 2, 4, 6, …\./,
    ],
    [
      ["--found-on", other],
      back,
      [forth, back],
      [0, 1],
      /^Heads ranked on 1 pair of .*other\.jsonl; tested on 2 pairs/,
    ],
  ] as [string[], typeof forth, (typeof forth)[], number[], RegExp][]) {
    fresh();
    const options = ["--top", "3", "--random", "2", "--curve", ...args];
    const { code, stdout, stderr } = await noticeHere("faithful", NARROW, ...ARGS, ...RESULTS, ...options);
    assert.equal([code, stderr], [0, ""]);
    assert.match(stdout, says);
    assert.match(stdout, /\n3 of \d+ heads keep .*\n2 random sets of as many keep/);
    assert.not(readdirSync(folder).some((name) => name.includes("partial")));
    const heads = await ranked(chosen);
    assert.equal(
      mean().losses.map(({ site, layer, head }: HeadAt) => ({ site, layer, head })),
      heads,
    );
    const expected = await each((pair) => faithfulness(pair, heads, { randomSets: 2 }), ...tested);
    assert.equal(
      lines().map(({ index }) => index),
      indexes,
    );
    for (const [i, line] of lines().entries()) close(line.kept, expected[i % tested.length]!.kept, `line ${i}`);
    const average = (value: (one: (typeof expected)[0]) => number) =>
      expected.reduce((sum, one) => sum + value(one), 0) / expected.length;
    close(
      mean().kept,
      average(({ kept }) => kept),
      "kept",
    );
    close(
      mean().losses[1].loss,
      average(({ losses }) => losses[1]!.loss),
      "loss",
    );
    close(
      mean().random.kept[1],
      average(({ random }) => random.kept[1]!),
      "random",
    );
    const [count] = await each(async (pair) => everyHead(pair).length, forth);
    assert.is(mean().curve.sizes.at(-1), count);
    assert.ok(Math.abs(mean().curve.kept.at(-1) - 1) <= 1e-5);
  }
});

test("--position box: of a list, the image tokens in the box of each pair's picture", async () => {
  write(list, forth, back as typeof forth);
  const site = "vision.self.z" as const;
  const box = [0, 0, 24, 20] as const;
  const position = ["--site", site, "--position", `box:${box}`];
  const wanted = await each(
    async (pair, blip) => {
      const own = await blip.tokensIn(box, CLEAN_IMAGE); // both pictures are of one size
      return [await attribute(pair, { site, position: own }), await sweep(pair, { site, position: own })];
    },
    forth,
    back as typeof forth,
  );
  for (const [i, command] of ["attribute", "sweep"].entries()) {
    fresh();
    const { code, stderr } = await noticeHere(command, NARROW, ...ARGS, ...RESULTS, ...position);
    assert.is(code, 0, stderr);
    assert.equal(
      lines(),
      wanted.map((scores, index) => plain({ index, ...scores[i]!.toJSON() })),
    );
  }
  fresh();
  const words = await noticeHere("sweep", NARROW, ...ARGS, "--out", out, "--position", `box:${box}`);
  assert.is(words.code, 2);
  assert.match(words.stderr, /line 1: box:0,0,24,20 means image tokens, and those of text\.cross\.z are none/);
});

test("--out -: results alone on standard output; those of an earlier run are not replaced", async () => {
  fresh();
  write(list, forth, back as typeof forth);
  const args = ["attribute", NARROW, ...ARGS];
  const first = await noticeHere(...args, "--out", out);
  assert.equal([first.code, first.stderr], [0, ""]);
  const piped = await noticeHere(...args, "--out", "-");
  assert.equal([piped.code, piped.stdout, piped.stderr], [0, readFileSync(out, "utf8"), ""]);
  const again = await noticeHere(...args, "--out", out);
  assert.equal([again.code, again.stdout], [2, ""]);
  assert.match(again.stderr, /results\.jsonl has the results of a run already: give another name, or move it away/);
  const both = await noticeHere(...args, "--out", "-", "--json", "-");
  assert.is(both.code, 2);
  assert.match(both.stderr, /cannot be written: another option names it too/);
});

test("two equal commands at once: the second is refused; what a dead one left hinders nothing", async () => {
  fresh();
  write(list, forth);
  const args = ["attribute", NARROW, ...ARGS, "--out", out];
  await withLock(`${out}.lock`, async () => {
    const { code, stderr } = await noticeHere(...args);
    assert.is(code, 2);
    assert.match(stderr, /Another process is writing --out .*results\.jsonl\. Wait for it, or give another name/);
    assert.not(existsSync(out));
  });
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(`${out}.lock`, `${hostname()} ${pid}`);
  const { code, stderr } = await noticeHere(...args);
  assert.equal([code, stderr, lines().length], [0, "", 1]);
  assert.equal(
    readdirSync(folder).filter((name) => /lock|partial/.test(name)),
    [],
  );
});

test("what does not go together is refused before any work", async () => {
  write(list, forth);
  for (const [args, message] of [
    [["attribute", NARROW, ...ARGS, "--exact"], /--exact/],
    [["attribute", NARROW, "--image", CLEAN_IMAGE, "--workers", "2"], /go with --pairs/],
    [["path", NARROW, ...ARGS, "--image", "x", "--from", "text.cross.z:L0H1", "--to", "answer"], /--image/],
    [["faithful", NARROW, ...ARGS], /exactly one of --heads and --top/],
    [["faithful", NARROW, ...ARGS, "--top", "3", "--found-on", list], /names the list that is tested/],
    [["faithful", NARROW, ...ARGS, "--heads", "text.cross.z:L0H1", "--found-on", other], /goes with --top or --curve/],
    [["faithful", NARROW, "--top", "3", "--found-on", other], /--found-on goes with --pairs/],
    [["faithful", NARROW, ...ARGS, "--top", "3", "--found-on", other, "--out", other], /names the list/],
  ] as [string[], RegExp][]) {
    const { code, stdout, stderr } = await noticeHere(...args);
    assert.equal([code, stdout], [2, ""], stderr);
    assert.match(stderr, message);
  }
});

test.run();
