import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withLock } from "../../src/files/lock.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

/** A lock as another process left it, and a clock that only the waiting makes go. */
function held(owner: string, touched = new Date()) {
  const lock = join(temporaryFolder(), "notice.lock");
  writeFileSync(lock, owner);
  utimesSync(lock, touched, touched);
  const told: string[] = [];
  let waited = 0;
  const onWait = (message: string) => void told.push(`${waited}: ${message}`);
  const sleep = async (ms: number) => {
    waited += ms;
    if (waited > 600_000) throw new Error("it waits and waits");
  };
  return { lock, told, options: { onWait, sleep }, waited: () => waited };
}

test("the lock of another machine is waited for aloud, a minute after its last sign of life at most", async () => {
  const { lock, told, options, waited } = held("elsewhere 7");
  const owner = await withLock(lock, async () => readFileSync(lock, "utf8"), options);
  assert.is(owner, `${hostname()} ${process.pid}`);
  assert.is(told.length, 1);
  assert.ok(told[0]!.startsWith(`2000: waiting for process 7 on elsewhere, which holds ${lock}`), told[0]);
  assert.ok(waited() >= 60_000 && waited() <= 61_000, `${waited()} ms`);
});

test("a lock from the future does not hold for ever", async () => {
  const { lock, options, waited } = held("elsewhere 7", new Date("2090-01-01"));
  assert.is(await withLock(lock, async () => 1, options), 1);
  assert.ok(waited() <= 61_000, `${waited()} ms`);
});

test("as long as its owner gives signs of life it holds", async () => {
  const { lock, options } = held("elsewhere 7");
  let [waited, touches] = [0, 0];
  const sleep = async (ms: number) => {
    waited += ms;
    const time = new Date(Date.now() + ++touches);
    if (waited < 300_000) utimesSync(lock, time, time);
  };
  await withLock(lock, async () => {}, { ...options, sleep });
  assert.ok(waited >= 360_000, `${waited} ms`);
});

test("an empty lock, and one of a number that no process has, give way", async () => {
  for (const owner of ["", `${hostname()} 999999999`, `${hostname()} nonsense`, "\0"]) {
    const { lock, options } = held(owner);
    assert.is(await withLock(lock, async () => 1, options), 1);
  }
});

test("a folder in the place of a lock is named", async () => {
  const lock = join(temporaryFolder(), "notice.lock");
  mkdirSync(lock);
  const sleep = () => Promise.reject(new Error("it waits"));
  await refused(() => withLock(lock, async () => {}, { sleep }), "network", lock, "no lock");
});

test.run();
