import { test } from "uvu";
import * as assert from "uvu/assert";
import { attribute } from "../../src/patching/attribute.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { notice, noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const PAIR = [
  ...["--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE],
  ...["--question", CLEAN_QUESTION, "--answers", ANSWERS.join(",")],
];

test("attribute --json -: the library's result, in sweep's contract", async () => {
  const { code, stdout, stderr } = await notice("attribute", NARROW, ...PAIR, "--json", "-");
  assert.is(stderr, "");
  assert.is(code, 0);
  const found = JSON.parse(stdout) as { metrics: { effect: number[][][] } };
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  assert.equal(found, JSON.parse(JSON.stringify(await attribute(pair, { site: "text.cross.z" }))));
});

test("attribute --exact: the correlation and the worst misses beneath the table", async () => {
  const { code, stdout } = await noticeHere(
    "attribute",
    NARROW,
    ...PAIR,
    "--exact",
    "--site",
    "text.self.q",
    "--qk-fix",
  );
  assert.is(code, 0);
  assert.match(stdout, /beside exact patching, over 72 places: correlation -?\d\.\d{3}\./);
  assert.match(stdout, /L\dH\d +\d \S+ +-?\d+\.\d{3} +-?\d+\.\d{3}\n/);
});

test("attribute: what does not go together", async () => {
  const { code, stderr } = await noticeHere("attribute", NARROW, ...PAIR, "--exact", "--json", "-");
  assert.is(code, 2);
  assert.match(stderr, /--exact prints a comparison/);
});

test("sweep --screen: only so many places", async () => {
  const { code, stdout } = await noticeHere("sweep", NARROW, ...PAIR, "--screen", "3", "--json", "-");
  assert.is(code, 0);
  const { metrics } = JSON.parse(stdout) as { metrics: { prob: (number | null)[][][] } };
  assert.is(metrics.prob.flat(2).filter((value) => value !== null).length, 3);
});

test.run();
