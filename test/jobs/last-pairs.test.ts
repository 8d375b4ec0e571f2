import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NoticeError } from "../../src/base/errors.js";
import { inProcess } from "../../src/executors/in-process.js";
import { JOBS } from "../../src/jobs/jobs.js";
import { forgetPairs, withPair } from "../../src/jobs/last-pairs.js";
import { tensorsOf } from "../../src/model/pass.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Pair } from "../../src/patching/pair.js";
import { INPUTS, PAIR } from "../support/job-inputs.js";
import { NARROW } from "../support/samples.js";

const alive = () => tf.memory().numTensors;
function bytesOf({ clean, corrupted }: Pair): number {
  const tensors = new Set([...tensorsOf(clean.activations), ...tensorsOf(corrupted.activations)]);
  return [...tensors].reduce((sum, { size }) => sum + 4 * size, 0);
}

test("a pair of files that is asked for again is not made again, and an executor that closes frees it", async () => {
  using model = await loadModel(NARROW, { backend: "wasm" });
  const before = alive();
  const made: Pair[] = [];
  const note = async (pair: Pair) => void made.push(pair);
  await withPair(model, PAIR, note);
  await withPair(model, { ...PAIR, answers: ["no", "yes"] }, note);
  await withPair(model, { ...PAIR }, note);
  assert.is(made[2], made[0]);
  assert.is.not(made[1], made[0]);
  const executor = inProcess(model);
  const found = await JOBS.keptSets.perform(model, INPUTS.keptSets);
  for await (const { output } of executor.perform("keptSets", [{ key: 0, input: INPUTS.keptSets }]))
    assert.equal(output, found);
  assert.ok(alive() > before);
  await executor.close();
  assert.is(alive(), before);
});

test("pictures in memory, which may change, are made anew; a pair in use is not freed under it", async () => {
  using model = await loadModel(NARROW, { backend: "wasm" });
  const before = alive();
  const image = { data: new Uint8Array(3 * 8 * 8).fill(90), width: 8, height: 8 };
  await withPair(model, { ...PAIR, image }, async () => {});
  assert.is(alive(), before);
  await withPair(model, PAIR, async (pair) => {
    forgetPairs(model);
    assert.is(pair.clean.logits.isDisposed, false);
    await withPair(model, PAIR, async (other) => assert.is.not(other, pair));
  });
  forgetPairs(model);
  assert.is(alive(), before);
});

test("no more is kept than an eighth of the model's memory holds: the one used last", async () => {
  using model = await loadModel(NARROW, { backend: "wasm" });
  const before = alive();
  const note = async (pair: Pair) => pair;
  const first = await withPair(model, PAIR, note);
  Object.defineProperty(model, "memory", { value: 8 * 1.5 * bytesOf(first) });
  const second = await withPair(model, { ...PAIR, answers: ["no", "yes"] }, note);
  assert.throws(
    () => first.clean.logits,
    (error: NoticeError) => error.code === "disposed",
  );
  assert.is(await withPair(model, { ...PAIR, answers: ["no", "yes"] }, note), second);
  forgetPairs(model);
  assert.is(alive(), before);
});

test.run();
