import { Queue } from "bullmq";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Executor } from "../../src/executors/executor.js";
import { inProcess } from "../../src/executors/in-process.js";
import { openQueue } from "../../src/executors/queue.js";
import { queueOf, resultKey, sessionKey } from "../../src/executors/redis/protocol.js";
import { sessionsAt, workersAt } from "../../src/executors/redis/records.js";
import { JOBS, type JobName } from "../../src/jobs/jobs.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { INPUTS, PAIR } from "../support/job-inputs.js";
import { lacking } from "../support/needed.js";
import { hasRedis, OwnRedis, OwnWorker, pause } from "../support/redis.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

// A real Redis, and workers as processes of their own.

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

async function outputOf<Name extends JobName>(executor: Executor, name: Name): Promise<unknown> {
  for await (const { output, error } of executor.perform(name, [{ key: name, input: INPUTS[name] }])) {
    assert.is(error, undefined, error?.message);
    return output;
  }
}

/** Pairs that differ, so that each is a job of its own. */
const pairs = (count: number) =>
  Array.from({ length: count }, (_, key) => ({
    key,
    ...PAIR,
    answers: ["red", key % 2 ? "green" : "blue"] as [string, string],
    question: `Is it red or striped ${"?".repeat(1 + (key >> 1))}`,
  }));

const test = suite("queue");
let redis: OwnRedis;
let expected: readonly unknown[];
const workers = new Set<OwnWorker>();
const opened: string[] = [];

const worker = (...flags: string[]) => {
  const one = new OwnWorker(redis.url, ...flags);
  workers.add(one);
  return one;
};

const open = () => openQueue(redis.url, NARROW, { backend: "wasm", warn: (message) => opened.push(message) });

const COUNT = 24;
const SWEEP = { site: "text.cross.z" } as const;

/** Tables of all pairs, in their order. */
async function sweepAll(executor: Executor, count = COUNT): Promise<readonly unknown[]> {
  const tables: unknown[] = [];
  for await (const { key, scores, error } of executor.sweep(pairs(count), SWEEP)) {
    assert.is(error, undefined, error?.message);
    assert.is(tables[key], undefined, `pair ${key} came twice`);
    tables[key] = plain(scores);
  }
  return tables;
}

test.before(async () => {
  redis = await OwnRedis.start();
  using model = await loadBlip(NARROW, { backend: "wasm" });
  expected = await sweepAll(inProcess(model));
});

test.after.each(async () => {
  await Promise.all([...workers].map((one) => one.kill()));
  workers.clear();
});

test.after(async () => {
  await redis.stop();
});

test("every job finds the same here and through the queue, what is refused included", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const here = inProcess(model);
  worker();
  await using queue = await open();
  for (const name of Object.keys(JOBS) as JobName[])
    assert.equal(plain(await outputOf(queue, name)), plain(await outputOf(here, name)), name);
  const bad = [{ key: 0, input: { pair: { ...PAIR, image: "no/such.png" } } }];
  const refusal = async (executor: Executor) => {
    for await (const { error } of executor.perform("headEffects", bad)) return `${error?.code}: ${error?.message}`;
  };
  assert.is(await refusal(queue), await refusal(here));
  const left = await redis.ask((one) => one.keys("notice:result:*"));
  assert.equal(left, [], "results are taken away");
});

test("faults: workers killed, Redis paused, restarted with and without its data, connections cut", async () => {
  const faults: Record<string, () => Promise<unknown>> = {
    "a worker is killed": async () => {
      const [one] = workers;
      workers.delete(one!);
      await one!.kill();
      worker();
    },
    "Redis stops for longer than a lock": () => redis.pauseFor(3000),
    "Redis is killed and has its data": () => redis.restart("data"),
    "Redis is killed and has lost its data": () => redis.restart("nothing"),
    "every connection is cut": () => redis.ask((one) => one.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")),
    "every worker is killed": async () => {
      const all = [...workers];
      workers.clear();
      await Promise.all(all.map((one) => one.kill()));
      worker();
      worker();
    },
  };
  worker();
  worker();
  await using queue = await open();
  for (const [name, fault] of Object.entries(faults)) {
    const swept = sweepAll(queue);
    await pause(400);
    await fault();
    assert.equal(await swept, expected, name);
  }
});

test("a poisoned job fails alone; a job that is delivered twice gives one result", async () => {
  worker();
  await using queue = await open();
  const list = [
    ...pairs(3),
    { ...pairs(1)[0]!, key: 9, image: new Uint8Array([1, 2, 3]) },
    { ...pairs(1)[0]!, key: 10 },
  ];
  const found = new Map<number, unknown>();
  for await (const { key, scores, error } of queue.sweep(list, SWEEP)) {
    assert.not(found.has(key));
    found.set(key, error ? error.code : plain(scores));
  }
  assert.is(found.get(9), "image");
  for (const key of [0, 1, 2]) assert.equal(found.get(key), expected[key]);
  assert.equal(found.get(10), expected[0], "the same input again");
});

test("a coordinator that was killed finds what workers did for it", async () => {
  worker();
  const first = await open();
  const begun = first.sweep(pairs(4), SWEEP);
  await begun.next();
  await first.close();
  await using second = await open();
  assert.equal(await sweepAll(second, 4), expected.slice(0, 4));
});

test("what is closed takes its session along, and workers leave it", async () => {
  const one = worker();
  const queue = await open();
  assert.equal(await sweepAll(queue, 2), expected.slice(0, 2));
  assert.is((await redis.ask(sessionsAt)).length, 1);
  const swept = queue.sweep(pairs(1), SWEEP).next();
  await Promise.all([refused(() => swept, "disposed", "closed"), queue.close()]);
  assert.equal(await redis.ask(sessionsAt), []);
  await refused(() => queue.sweep(pairs(1), SWEEP).next(), "disposed", "closed");
  await one.says(/Done with .*: \d+ jobs so far/);
});

test("a worker of another version, backend or model takes no job, and says why", async () => {
  const other = worker("--backend", "cpu");
  const strange = worker("--model", "test/fixtures/wide");
  await using queue = await open();
  await other.says(/Takes no jobs of .*the coordinator wants wasm, and this worker was started with --backend cpu/);
  await strange.says(/Takes no jobs of .*is another model here/);
  const session = (await redis.ask(sessionsAt))[0]!;
  const newer = { ...session, version: "99.0.0" };
  await redis.ask((one) => one.set(sessionKey(newer), JSON.stringify(newer), "EX", 60));
  await other.says(/the coordinator is vlm-notice 99\.0\.0/);
  const pids = [other.pid, strange.pid];
  // Those that were killed before are listed for a while.
  const records = (await redis.ask(workersAt)).filter(({ pid }) => pids.includes(pid));
  assert.is(records.length, 2);
  assert.ok(records.every(({ refuses, done }) => refuses && done === 0));
  await pause(6000);
  assert.ok(
    opened.some((message) => /takes no jobs: /.test(message)),
    "the coordinator hears of it",
  );
  await redis.ask((one) => one.unlink(sessionKey(newer)));
  await queue.close();
});

test("a hostile job is refused with a reason, and the worker goes on", async () => {
  const one = worker();
  await using queue = await open();
  await one.says(/Takes jobs/);
  const session = (await redis.ask(sessionsAt))[0]!;
  const name = queueOf(session);
  const raw = new Queue(name, { connection: { host: "127.0.0.1", port: redis.port }, prefix: "notice" });
  const hostile: [unknown, RegExp][] = [
    [null, /payload/],
    [{ name: "toString", input: {} }, /no job/],
    [{ name: "__proto__", input: {} }, /no job/],
    [{ name: "ask", input: { asked: { image: "/etc/passwd", question: "is it red?" } } }, /is a path/],
    [{ name: "sweep", input: { pair: PAIR, sweeps: [] } }, /is a path/],
    [{ name: "ask", input: { asked: { image: { $bytes: "../../etc/passwd" } } } }, /no digest/],
    [{ name: "ask", input: { asked: { image: { file: "/etc/passwd" }, question: "is it red?" } } }, /no bytes/],
    [{ name: "faithful", input: "x" }, /no input of the job/],
    [{ name: "sweep", input: { pair: { image: { width: 1e9, height: 1e9, data: [] } }, sweeps: [] } }, /.+/],
  ];
  for (const [i, [data, why]] of hostile.entries()) {
    await raw.add("job", data, { jobId: `hostile-${i}` });
    let found: string | null = null;
    for (let waited = 0; found === null && waited < 300; waited++) {
      await pause(50);
      found = await redis.ask((client) => client.get(resultKey(name, `hostile-${i}`)));
    }
    assert.match(JSON.parse(found ?? "{}").error?.message ?? `none: ${found}`, why);
  }
  await raw.close();
  assert.equal(await sweepAll(queue, 2), expected.slice(0, 2));
});

test("what is no Redis, and a password in an error", async () => {
  await refused(() => openQueue("http://host/0", NARROW), "options", "redis://host:6379/0");
  const secret = "redis://user:hunter2@127.0.0.1:1/0";
  try {
    await openQueue(secret, NARROW);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /No Redis answers at redis:\/\/127\.0\.0\.1:1\/0/);
    assert.not.match((error as Error).message, /hunter2/);
  }
});

if (hasRedis()) test.run();
else lacking("redis", "there is no redis-server");
