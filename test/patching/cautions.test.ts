import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import type { Blip, Model } from "../../src/patching/model.js";
import { noticeHere } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

let told: string[] = [];

const load = (model: string): Promise<Blip> => {
  told = [];
  return loadBlip(model, { backend: "wasm", warn: (message) => told.push(message) });
};

const RED = {
  image: "examples/star-red.png",
  corruptImage: "examples/star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"],
} as const;

test("a pair whose clean run gives the correct answer goes without a word", async () => {
  using blip = await load("weights/scenes");
  using _ = await blip.pair(RED);
  await blip.ask(RED);
  assert.equal(told, []);
});

test("a caller's warn that throws leaves no tensors; null is no text, even where there need be none", async () => {
  const warn = () => {
    throw new RangeError("told");
  };
  using blip = await loadBlip("weights/scenes", { backend: "wasm", warn });
  const before = tf.memory().numTensors;
  for (const wrong of [
    { ...RED, question: "" },
    { ...RED, answers: ["blue", "red"] as [string, string] },
  ]) {
    await blip.pair(wrong).then(
      () => assert.unreachable(),
      (error) => assert.instance(error, RangeError),
    );
    assert.is(tf.memory().numTensors, before);
  }
  using captioner = await loadModel(join(FIXTURES, "caption-small"), { backend: "wasm", warn: () => undefined });
  const image = join(FIXTURES, "caption-small", "clean.png");
  await refused(() => (captioner as Model).run({ image, question: null as never }), "tokens", "The question is null");
});

test("a clean run that does not give the correct answer is named, once", async () => {
  using blip = await load("weights/scenes");
  for (const _ of [1, 2]) (await blip.pair({ ...RED, answers: ["blue", "red"] }))[Symbol.dispose]();
  assert.is(told.length, 1);
  assert.match(told[0]!, /^The clean run does not give the correct answer: asked "is this star red or blue\?", /);
  assert.match(told[0]!, /the model says "red" before "blue"/);
});

test("a corrupted run that prefers the correct answer too is named", async () => {
  using blip = await load("weights/scenes");
  using _ = await blip.pair({ ...RED, corruptImage: RED.image });
  assert.equal(told, [
    'The corrupted run prefers the correct answer too: asked "is this star red or blue?", the model says "red" before ' +
      '"blue" both times. An effect is a share of how far apart the two are, and may say little.',
  ]);
});

test("words that the vocabulary has in pieces are named where the answers are not the expected ones", async () => {
  using blip = await load("weights/scenes");
  using _ = await blip.pair({ ...RED, question: "is this disc red or blue?" });
  assert.is(told.length, 1);
  assert.match(told[0]!, /in pieces, which the model may not know: d ##i ##s ##c\.$/);
});

test("an answer that is read by its first piece is named", async () => {
  using blip = await load(NARROW);
  using _ = await blip.pair({ ...RED, question: "is it red or striped?", answers: ["red", "striped"] });
  assert.equal(
    told.filter((message) => message.includes("first word piece")),
    ['The answer "striped" is read by its first word piece alone, "stri".'],
  );
});

test("a question that is empty, or mostly unknown, is named", async () => {
  using blip = await load("weights/scenes");
  await blip.ask({ ...RED, question: " " });
  await blip.ask({ ...RED, question: "星 月 红 red?" });
  await blip.ask({ ...RED, question: "星 red?" });
  (await blip.run({ ...RED, question: "" }))[Symbol.dispose]();
  assert.equal(told, [
    "The question is empty; the model answers all the same.",
    'Of the question "星 月 红 red?" the model knows only 2 of 5 word pieces; the others are unknown to its vocabulary.',
  ]);
});

test("of a list of pairs only the first ten are named", async () => {
  using blip = await load("weights/scenes");
  for (let i = 0; i < 12; i++)
    (await blip.pair({ ...RED, question: `is this star red or blue${"?".repeat(i + 1)}`, answers: ["blue", "red"] }))[
      Symbol.dispose
    ]();
  assert.is(told.length, 10);
  assert.not.match(told[8]!, "No more");
  assert.match(told[9]!, /No more warnings of this kind are given\.$/);
});

test("the command says it too", async () => {
  const { image, corruptImage, question } = RED;
  const pair = ["--image", image, "--corrupt-image", corruptImage, "--question", question, "--answers", "blue,red"];
  const { code, cautions } = await noticeHere("sweep", "weights/scenes", ...pair, "--backend", "wasm", "--layers", "0");
  assert.is(code, 0);
  assert.is(cautions!.length, 1);
  assert.match(cautions![0]!, "notice: The clean run does not give the correct answer");
});

test.run();
