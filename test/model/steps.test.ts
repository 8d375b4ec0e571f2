import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inTurns, itself, type Steps } from "../../src/model/steps.js";
import { useBackend } from "../../src/platform/backend.js";
import { hurry, keepTime } from "../support/clock.js";

// By a clock that says 60 ms more whenever it is asked, others have their turn after every step.
test.before(async () => {
  await useBackend();
  hurry();
});
test.after(keepTime);

/** Doubles 1 so many times; `between` runs where others have their turn. */
function* doubling(times: number, between = (_: number) => {}): Steps<tf.Tensor> {
  let x: tf.Tensor = tf.scalar(1);
  for (let i = 0; i < times; i++) {
    x = tf.add(x, x);
    yield;
    between(i);
  }
  return x;
}

const alive = () => tf.memory().numTensors;

test("the result lives on, what it was made of does not", async () => {
  const before = alive();
  const result = await inTurns(() => doubling(3), itself);
  assert.equal([...result.dataSync()], [8]);
  assert.is(alive(), before + 1);
  result.dispose();
});

test("what others make in their turn, and what a step keeps, is theirs", async () => {
  const before = alive();
  const theirs: tf.Tensor[] = [];
  setImmediate(() => theirs.push(tf.scalar(5)));
  const result = await inTurns(() => doubling(2, (i) => theirs.push(tf.keep(tf.scalar(i)))), itself);
  assert.equal(
    theirs.map((tensor) => tensor.dataSync()[0]),
    [5, 0, 1],
  );
  tf.dispose([result, ...theirs]);
  assert.is(alive(), before);
});

test("nothing is left of what ends early, by an abort or by an error", async () => {
  const before = alive();
  const controller = new AbortController();
  const abort = (i: number) => i === 1 && controller.abort(new Error("late"));
  const aborted = await inTurns(() => doubling(9, abort), itself, controller.signal).catch((error) => error);
  assert.is((aborted as Error).message, "late");
  const fail = (i: number) => {
    if (i === 2) throw new Error("broken");
  };
  const failed = await inTurns(() => doubling(9, fail), itself).catch((error) => error);
  assert.is((failed as Error).message, "broken");
  assert.is(alive(), before);
});

test.run();
