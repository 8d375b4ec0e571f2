import { test } from "uvu";
import * as assert from "uvu/assert";
import { faithfulness, faithfulnessCurve } from "../../src/patching/faithful.js";
import { rankHeads } from "../../src/patching/head-effects.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const FAITHFUL = [
  ...["faithful", NARROW, "--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE],
  ...["--question", CLEAN_QUESTION, "--answers", ANSWERS.join(",")],
];

test("faithful: the library's result for the named heads, and the curve", async () => {
  const heads = ["--heads", "text.cross.z:L0H1", "decoder.cross.z:L1H2"];
  const { code, stdout } = await noticeHere(...FAITHFUL, ...heads, "--random", "4", "--curve", "--json", "-");
  assert.is(code, 0);
  const found = JSON.parse(stdout) as Record<string, unknown>;
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const set = [
    { site: "text.cross.z", layer: 0, head: 1 },
    { site: "decoder.cross.z", layer: 1, head: 2 },
  ] as const;
  const expected = await faithfulness(pair, set, { randomSets: 4 });
  for (const [name, value] of Object.entries(expected)) assert.equal(found[name], value, name);
  assert.equal(found.curve, await faithfulnessCurve(pair, await rankHeads(pair)));
});

test("faithful --top: a table for people", async () => {
  const { code, stdout } = await noticeHere(...FAITHFUL, "--top", "5", "--random", "3");
  assert.is(code, 0);
  assert.match(stdout, /^5 of \d+ heads keep -?\d+\.\d{3} of the answer; without them -?\d+\.\d{3} of it is left\./);
  assert.match(stdout, /3 random sets of as many keep .* on average; p = \d\.\d{3}\./);
});

test("faithful: which heads", async () => {
  for (const [args, message] of [
    [[], /exactly one of --heads and --top/],
    [["--heads", "text.cross.z:L0"], /no head such as/],
    [["--heads", "text.cross.z:L0H1@2"], /no head such as/],
  ] as const) {
    const { code, stderr } = await noticeHere(...FAITHFUL, ...args);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test.run();
