import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadModel } from "../../src/patching/load-model.js";
import { sweep } from "../../src/patching/sweep.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";

const NARROW = join(FIXTURES, "narrow");
const [image, corruptImage] = [join(NARROW, "clean.png"), join(NARROW, "corrupt.png")];
const question = "is this star red or blue?";
const PLACE = ["--site", "text.cross.z", "--layers", "0"];

interface Swept {
  readonly metrics: { readonly logitDiff: number[][][] };
}

test("--bits 16 is what bits: 16 is, in this process and in others, and not what 32 are", async () => {
  const expected = async (bits: 16 | 32) => {
    using model = await loadModel(NARROW, { bits, warn: () => undefined });
    using pair = await model.pair({ image, corruptImage, question, answers: ["red", "blue"] } as never);
    return (JSON.parse(JSON.stringify(await sweep(pair, { site: "text.cross.z", layers: [0] }))) as Swept).metrics;
  };
  const pictures = ["--image", image, "--corrupt-image", corruptImage];
  const asked = ["--question", question, "--answers", "red,blue", ...PLACE, "--json", "-"];
  const here = await noticeHere("sweep", NARROW, ...pictures, ...asked, "--bits", "16");
  assert.is(here.code, 0, here.stderr);
  const half = await expected(16);
  assert.equal((JSON.parse(here.stdout) as Swept).metrics.logitDiff, half.logitDiff);
  assert.not.equal((await expected(32)).logitDiff, half.logitDiff);
  const list = join(temporaryFolder(), "pairs.jsonl");
  const pair = { image: resolve(image), corruptImage: resolve(corruptImage), question, answers: ["red", "blue"] };
  writeFileSync(list, `${JSON.stringify(pair)}\n`);
  const options = ["--pairs", list, "--data", NARROW, ...PLACE, "--workers", "1", "--out", "-"];
  const there = await noticeHere("sweep", NARROW, ...options, "--bits", "16");
  assert.is(there.code, 0, there.stderr);
  assert.equal((JSON.parse(there.stdout) as Swept).metrics.logitDiff, half.logitDiff);
});

test("another number is refused", async () => {
  const { code, stderr } = await noticeHere("ask", NARROW, "--image", image, "--question", question, "--bits", "8");
  assert.is(code, 2);
  assert.match(stderr, "16 or 32 was expected");
});

test.run();
