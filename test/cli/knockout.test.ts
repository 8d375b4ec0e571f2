import { test } from "uvu";
import * as assert from "uvu/assert";
import { sweepKnockOut } from "../../src/patching/knock-out.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { sweepControlled } from "../../src/patching/nulls.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const PAIR = [
  ...["--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE],
  ...["--question", CLEAN_QUESTION, "--answers", ANSWERS.join(",")],
];

test("knockout: the library's table, of the attention that looks at the picture", async () => {
  const cut = ["--from", "answer", "--to", "box:0,0,22,37", "--heads", "0,2", "--window", "2"];
  const { code, stdout, stderr } = await noticeHere("knockout", NARROW, ...PAIR, ...cut, "--json", "-");
  assert.is(code, 0, stderr);
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  // The left half of a grid of 4 x 4 behind [CLS].
  const to = [1, 2, 5, 6, 9, 10, 13, 14];
  const place = { site: "text.cross.pattern", from: "answer", to, heads: [0, 2] } as const;
  const expected = await sweepKnockOut(pair, place, { window: 2 });
  const { model: _, ...found } = JSON.parse(stdout);
  const { model: __, ...wanted } = JSON.parse(JSON.stringify(expected));
  assert.equal(found, wanted);
  const table = await noticeHere(
    "knockout",
    NARROW,
    ...PAIR,
    "--from",
    "2",
    "--to",
    "3",
    "--site",
    "text.self.pattern",
  );
  assert.is(table.code, 0, table.stderr);
  assert.match(table.stdout, /noise text\.self\.pattern/);
});

test("knockout --random: the same cuts, and those to random tokens beside them", async () => {
  const cut = ["--from", "answer", "--to", "box:0,0,22,37", "--json", "-", "--random", "7", "--seed", "3"];
  const { code, stdout, stderr } = await noticeHere("knockout", NARROW, ...PAIR, ...cut);
  assert.is(code, 0, stderr);
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const place = { site: "text.cross.pattern", from: "answer", to: [1, 2, 5, 6, 9, 10, 13, 14] } as const;
  const expected = await sweepControlled(pair, place, { randomSets: 7, seed: 3 });
  assert.equal(JSON.parse(stdout).metrics, JSON.parse(JSON.stringify(expected)).metrics);
  const table = await noticeHere("knockout", NARROW, ...PAIR, ...cut.slice(0, 4), "--random", "7");
  assert.match(table.stdout, /Beside cuts to as many random tokens:\n\nlayer +effect +random cuts +p\n/);
});

test("knockout: image means all tokens of an image tower", async () => {
  const cut = ["--site", "vision.self.pattern", "--from", "image", "--json", "-", "--to"];
  const ofPatch = await noticeHere("knockout", NARROW, ...PAIR, ...cut, "5");
  assert.is(ofPatch.code, 0, ofPatch.stderr);
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const expected = await sweepKnockOut(pair, { site: "vision.self.pattern", from: "all", to: 5 });
  assert.equal(JSON.parse(ofPatch.stdout).metrics, JSON.parse(JSON.stringify(expected)).metrics);
});

test("knockout: what cannot be cut", async () => {
  for (const [more, message] of [
    [["--from", "answer"], /--to/],
    [["--from", "answer", "--to", "all"], /nothing to attend to/],
    [["--from", "answer", "--to", "image"], /leaves the token 3 nothing to attend to. Leave one token out of to/],
    [["--from", "answer", "--to", "3", "--window", "3"], /window is 3.*from 1 to the 2/],
    [["--from", "answer", "--to", "3", "--site", "text.cross.z"], /is no attention/],
    [["--from", "answer", "--to", "3", "--seed", "3"], /--seed draws the random tokens of --random/],
    [["--from", "answer", "--to", "box:0,0,9,9", "--site", "text.self.pattern"], /means image tokens/],
  ] as const) {
    const { code, stderr } = await noticeHere("knockout", NARROW, ...PAIR, ...more);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test.run();
