import { test } from "uvu";
import * as assert from "uvu/assert";
import { TransientError, withRetries } from "../../src/files/retry.js";
import { refused } from "../support/refused.js";

/** A clock that only this makes go. */
function clock(attempts: number, delayMs = 1) {
  const slept: number[] = [];
  const told: string[] = [];
  const sleep = async (ms: number) => void slept.push(ms);
  return {
    slept,
    told,
    retry: { attempts, delayMs, sleep },
    waiting: { onWait: (text: string) => void told.push(text) },
  };
}

/** Fails with each of the errors in turn, then succeeds. */
const failing = (errors: Error[]) => async () => {
  const error = errors.shift();
  if (error) throw error;
  return "done";
};

test("a server that asks for five minutes gets them, and the wait is told", async () => {
  const { slept, told, retry, waiting } = clock(6);
  const busy = () => new TransientError("http://hub/x: the server answered 429", 300_000);
  assert.is(await withRetries(failing([busy()]), retry, waiting), "done");
  assert.equal(slept, [300_000]);
  assert.equal(told, ["http://hub/x: the server answered 429; trying again in 300 s"]);
});

test("a server that asks for more than five minutes together is given up", async () => {
  for (const [waits, sleeps] of [
    [[300_000, 1000], 1],
    [[301_000], 0],
    [[1e15], 0],
    [[Infinity], 0],
  ] as const) {
    const { slept, retry, waiting } = clock(6);
    const errors = waits.map((ms) => new TransientError("429", ms));
    await refused(() => withRetries(failing(errors), retry, waiting), "network", "gave up since it asks to wait");
    assert.is(slept.length, sleeps);
  }
});

test("short pauses are not told, long ones are, and no pause is longer than a minute", async () => {
  const { slept, told, retry, waiting } = clock(12, 500);
  const errors = Array.from({ length: 12 }, () => new TransientError("cut"));
  await refused(() => withRetries(failing(errors), retry, waiting), "network", "gave up after 12 attempts");
  assert.is(slept.length, 11);
  assert.ok(slept.every((ms) => ms <= 60_000));
  assert.is(told.length, slept.filter((ms) => ms > 2000).length);
  assert.ok(told.length >= 8);
});

test("progress starts the count anew", async () => {
  const { retry, waiting } = clock(2);
  const errors = Array.from({ length: 9 }, () => new TransientError("cut", 200_000, true));
  assert.is(await withRetries(failing(errors), retry, waiting), "done");
});

test.run();
