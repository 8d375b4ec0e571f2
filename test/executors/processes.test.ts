import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../src/model/architectures.js";
import { modelBytes } from "../../src/model/memory.js";
import type { PairInput } from "../../src/patching/inputs.js";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import type { ScoresJson } from "../../src/patching/scores.js";
import { sweep } from "../../src/patching/sweep.js";
import type { Backend } from "../../src/platform/backend.js";
import { openPool, type Pool, type SweepAsked, WorkerError } from "../../src/pool.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, CORRUPT_QUESTION, NARROW } from "../support/samples.js";

const image = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const text = { image: CLEAN_IMAGE, corruptQuestion: CORRUPT_QUESTION, question: CLEAN_QUESTION, answers: ANSWERS };
const swapped = { ...image, image: CORRUPT_IMAGE, corruptImage: CLEAN_IMAGE };
const bytes = { ...text, image: new Uint8Array(readFileSync(CORRUPT_IMAGE)) };
const VARIETY: PairInput[] = [image, text, swapped, bytes];
const CROSS: SweepAsked = { site: "text.cross.z" };
const SWEEPS: SweepAsked[] = [CROSS, { site: "text.self.z", direction: "noise", position: "answer" }];

type Keyed = { key: number } & PairInput;

/** `count` pairs of several kinds, keyed from 0. */
const pairs = (count: number): Keyed[] =>
  Array.from({ length: count }, (_, key) => ({ key, ...VARIETY[key % VARIETY.length]! }));

/** What `sweep` finds within this process, by kind of pair. */
async function expected(backend?: Backend): Promise<ScoresJson[][]> {
  using blip = await loadModel(NARROW, { backend });
  const found: ScoresJson[][] = [];
  for (const input of VARIETY) {
    using pair = await blip.pair(input);
    found.push([]);
    for (const options of SWEEPS) found.at(-1)!.push((await sweep(pair, options)).toJSON());
  }
  return found;
}

type Results = Map<number, { scores?: readonly ScoresJson[]; error?: Error & { code: string } }>;

/** Results by key, none of them twice. `onResult` is called after each. */
async function collect(pool: Pool, items: readonly Keyed[], onResult = (_done: number) => {}, sweeps = SWEEPS) {
  const results: Results = new Map();
  for await (const { key, ...result } of pool.sweep(items, sweeps)) {
    assert.not(results.has(key), `${key} came twice`);
    results.set(key, result.error ? result : { scores: result.scores.map((scores) => scores.toJSON()) });
    onResult(results.size);
  }
  assert.is(results.size, items.length, "some are lost");
  return results;
}

function same(results: Results, right: ScoresJson[][]): void {
  for (const [key, { scores, error }] of results) {
    assert.is(error, undefined, error?.message);
    assert.equal(scores, right[key % VARIETY.length]);
  }
}

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** @param looks after so many, 20 ms apart, one that lives on is a failure. */
async function gone(pids: readonly number[], looks: number): Promise<void> {
  for (let look = 0; pids.some(alive); look++) {
    assert.ok(look < looks, `${pids.filter(alive)} live on`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let right: ScoresJson[][];
/** As the first backend that loads here finds. */
let rightOfOne: ScoresJson[][];
let one: Pool;
let two: Pool;
const environment = { ...process.env };
const stop = new AbortController();

test.before(async () => {
  right = await expected("wasm");
  process.env.NODE_OPTIONS = `--import ${new URL("killer.js", import.meta.url)}`;
  process.env.KILLED_ONCE = join(temporaryFolder(), "once");
  one = await openPool(NARROW, { workers: 1 });
  rightOfOne = one.backend === "wasm" ? right : await expected(one.backend);
  two = await openPool(NARROW, { workers: 2, backend: "wasm", signal: stop.signal });
});

test.after(async () => {
  await one.close();
  await two.close();
  for (const name of ["NODE_OPTIONS", "KILLED_ONCE"])
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
});

test("one worker, two workers and no worker find the same numbers", async () => {
  same(await collect(two, pairs(8)), right);
  assert.is(new Set(two.pids).size, 2);
  assert.is(one.pids.length, 1);
  same(await collect(one, pairs(4)), rightOfOne);
});

test("processes beyond one a core start with tasks that find none idle", async () => {
  const cores = availableParallelism();
  await using pool = await openPool(NARROW, { workers: cores + 2, backend: "wasm" });
  assert.equal([pool.workers, pool.pids.length], [cores + 2, cores]);
  for (let i = 0; i < cores + 2; i++) same(await collect(pool, pairs(1)), right);
  assert.is(pool.pids.length, cores, "one task at a time needs no more");
  same(await collect(pool, pairs(cores + 1)), right);
  assert.is(pool.pids.length, cores + 1);
});

test("a worker that is killed in its work is replaced; nothing is lost or double", async () => {
  const before = two.pids;
  const results = await collect(two, pairs(9), (done) => {
    if (done === 3) process.kill(before[0]!, "SIGKILL");
  });
  same(results, right);
  assert.is(two.pids.length, 2);
  assert.not(two.pids.includes(before[0]!));
});

test("a pair that kills its workers is that pair's error; one that killed one is done", async () => {
  const items = pairs(8);
  items[2] = { key: 2, ...image, question: "kill" };
  items[5] = { key: 5, ...image, question: `${CLEAN_QUESTION} once` };
  // No NoticeError either: whatever state the backend is then in, the process is not used again.
  items[6] = { key: 6, ...image, question: "throw" };
  const results = await collect(two, items);
  for (const [key, reason] of [
    [2, "SIGKILL"],
    [6, "thrown within"],
  ] as const) {
    const { error } = results.get(key)!;
    assert.instance(error, WorkerError);
    assert.is(error!.code, "worker");
    assert.match(error!.message, reason);
    results.delete(key);
  }
  assert.is(results.get(5)!.error, undefined);
  assert.ok(existsSync(process.env.KILLED_ONCE!));
  results.delete(5);
  same(results, right);
});

test("a worker that lost its GPU is replaced, and another does the pair", async () => {
  const items = pairs(4);
  items[1] = { key: 1, ...image, question: `${CLEAN_QUESTION} lost` };
  const results = await collect(two, items);
  assert.is(results.get(1)!.error, undefined);
  results.delete(1);
  same(results, right);
  assert.ok(existsSync(`${process.env.KILLED_ONCE}-lost`));
});

test("a GPU that is lost twice is no pair's error: it ends the work, which can be begun again", async () => {
  const items = [{ key: 0, ...image, question: "lost for good" }];
  await refused(() => collect(two, items), "backend", "The GPU does not answer");
  same(await collect(two, pairs(2)), right);
});

test("a worker makes its number of tensors and no more", async () => {
  await using pool = await openPool(NARROW, { workers: 1, backend: "wasm", recycleAfter: 1 });
  const pids: number[] = [];
  for (const item of pairs(3)) {
    same(await collect(pool, [item]), right);
    pids.push(...pool.pids);
  }
  assert.is(new Set(pids).size, 3);
  await gone(pids.slice(0, 2), 0);
});

test("bad pairs, endless lists, questions: all by the same worker", async () => {
  const { pids } = one;
  const bad: [string, Partial<PairInput>, string][] = [
    ["image", { image: "no/such.png" }, "no/such.png"],
    ["image", { image: new Uint8Array(9) }, "PNG, JPEG"],
    ["tokens", { question: "is it red ".repeat(9) }, "29 tokens"],
    ["tokens", { answers: ["spotted", "spotless"] }, '"spotless"'],
    ["options", { corruptQuestion: CORRUPT_QUESTION } as Partial<PairInput>, "exactly one"],
  ];
  const items = bad.map(([, changes], key) => ({ key, ...image, ...changes }) as Keyed);
  const results = await collect(one, [...items, { key: bad.length, ...image }]);
  for (const [key, [code, , message]] of bad.entries()) {
    const { error } = results.get(key)!;
    assert.is(error!.name, "NoticeError");
    assert.is(error!.code, code);
    assert.match(error!.message, message);
  }
  assert.equal(results.get(bad.length)!.scores, rightOfOne[0]);

  let read = 0;
  function* endless(): Generator<Keyed> {
    for (;;) yield { key: read++, ...VARIETY[read % VARIETY.length]! };
  }
  const keys: number[] = [];
  for await (const { key } of one.sweep(endless(), CROSS, { ordered: true })) if (keys.push(key) === 5) break;
  assert.equal(keys, [0, 1, 2, 3, 4]);
  assert.ok(read <= 5 + 2, `${read} were read`);

  using blip = await loadBlip(NARROW, { backend: one.backend });
  const answer = await blip.ask(image, { top: 2 });
  for await (const result of one.ask([{ key: "a", ...image }], { top: 2 })) assert.equal(result, { key: "a", answer });
  await refused(() => one.sweep([], []).next(), "options", "empty list of sweeps");
  assert.equal(one.pids, pids);
});

test("no worker outlives its parent, were it killed in the middle", async () => {
  const program = `await import("${new URL("owner.js", import.meta.url)}")`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve) => parent.stdout.once("data", (data) => resolve(`${data}`)));
  const pids = line.trim().split(" ").map(Number);
  assert.is(pids.filter(alive).length, 4);
  parent.kill("SIGKILL");
  await gone(pids, 500); // their work takes minutes
});

test("what cannot be opened, and how many workers the memory is for", async () => {
  await refused(() => openPool(NARROW, { workers: 0 }), "options", "workers is 0");
  await refused(() => openPool(NARROW, { workers: 1.5 }), "options", "workers is 1.5");
  await refused(() => openPool("no/such/folder"), "checkpoint", "no/such/folder");
  await refused(() => openPool(temporaryFolder(), { workers: 1 }), "checkpoint", "has no config.json");
  const { weights, working } = modelBytes(readConfig(readFileSync(join(NARROW, "config.json"), "utf8"), ""), "wasm");
  const memory = 1.5 * (weights + working);
  await refused(() => openPool(NARROW, { workers: 2, backend: "wasm", memory }), "memory", "Each of 2 workers");
  await using pool = await openPool(NARROW, { backend: "wasm", memory });
  assert.is(pool.workers, 1);
});

test("an abort ends everything at once, with its reason", async () => {
  const { pids } = two;
  const reason = new Error("enough");
  const rejection = (result: Promise<unknown>) =>
    result.then(
      () => assert.unreachable(),
      (error) => error,
    );
  const results = two.sweep(pairs(100), SWEEPS);
  await results.next();
  const next = rejection(results.next());
  stop.abort(reason);
  assert.is(await next, reason);
  await two.close();
  await gone(pids, 0);
  assert.is(await rejection(two.sweep(pairs(1), CROSS).next()), reason);
  assert.is(await rejection(openPool(NARROW, { workers: 1, signal: stop.signal })), reason);
});

test("where no process survives loading the model, the error says what became of it and what to do", async () => {
  const { NODE_OPTIONS } = process.env;
  process.env.NODE_OPTIONS = "--import data:text/javascript,process.kill(process.pid,'SIGKILL')";
  try {
    const parts = [
      "Two worker processes died at loading the model",
      "killed from outside (SIGKILL)",
      "use fewer workers",
    ];
    await refused(() => openPool(NARROW, { workers: 1 }), "worker", ...parts);
  } finally {
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = NODE_OPTIONS;
  }
});

test.run();
