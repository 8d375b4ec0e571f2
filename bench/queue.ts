import { type ChildProcess, fork, spawn } from "node:child_process";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { Queue } from "bullmq";
import { random } from "../src/base/random.js";
import type { Executor } from "../src/executors/executor.js";
import { inProcess } from "../src/executors/in-process.js";
import { openPool } from "../src/executors/processes.js";
import { openQueue } from "../src/executors/queue.js";
import { workersAt } from "../src/executors/redis/records.js";
import { loadModel } from "../src/patching/load-model.js";
import { encodePng, type Picture } from "../src/pictures/picture.js";
import { OwnRedis } from "../test/support/redis.js";
import { median } from "./median.js";

// `npm run bench:queue`: what a queue costs beside one process, and how far it reaches, on a Redis of its own. `--part`
// measures one part: overhead, scaling, memory, many, simulation.

const MODEL = "weights/scenes";
const SWEEP = { site: "text.cross.z" } as const;
const [SWEEPS, WARM] = [192, 48];
const QUESTION = { question: "is this star red or blue?", answers: ["red", "blue"] as [string, string] };

const { values } = parseArgs({
  options: {
    part: { type: "string" },
    samples: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
  },
});
const rounds = Number(values.rounds);

const range = (list: readonly number[], digits: number) =>
  `${median(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)} to ${Math.max(...list).toFixed(digits)})`;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

/** A worker as the command line starts it. */
function startWorker(url: string): ChildProcess {
  const args = ["dist/cli/main.js", "worker", "--redis", url, "--concurrency", "1"];
  return spawn(process.execPath, args, { stdio: "ignore", env: { ...process.env, NOTICE_BACKEND: "wasm" } });
}

const open = (url: string) => openQueue(url, MODEL, { backend: "wasm", warn: () => {} });

/** Pictures of noise, about 100 KB each: every one is read, sent and decoded. */
function noisePictures(count: number): Uint8Array[] {
  const side = 183;
  return Array.from({ length: count }, (_, i) => {
    const choose = random("noise", i);
    const data = Uint8Array.from({ length: side * side * 3 }, () => choose.between(0, 256));
    return encodePng({ width: side, height: side, data } satisfies Picture);
  });
}

async function ask(executor: Executor, pictures: readonly Uint8Array[]): Promise<void> {
  const asked = pictures.map((image, key) => ({ key, image, question: QUESTION.question }));
  for await (const { error } of executor.ask(asked)) if (error) throw error;
}

async function overhead(redis: OwnRedis): Promise<void> {
  const pictures = noisePictures(60);
  using model = await loadModel(MODEL, { backend: "wasm" });
  const here = inProcess(model);
  const worker = startWorker(redis.url);
  await using queue = await open(redis.url);
  await ask(queue, pictures.slice(0, 2));
  await ask(here, pictures.slice(0, 2));
  const extra: number[] = [];
  const alone: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [mine, theirs] = [await seconds(() => ask(here, pictures)), await seconds(() => ask(queue, pictures))];
    alone.push((1000 * mine) / pictures.length);
    extra.push((1000 * (theirs - mine)) / pictures.length);
  }
  worker.kill("SIGKILL");
  const size = pictures[0]!.length / 1000;
  console.log(
    `overhead: pictures of ${size.toFixed(0)} KB, ${pictures.length} samples: ${range(alone, 1)} ms a sample in this process, ` +
      `${range(extra, 1)} ms more through the queue with one worker`,
  );
}

async function scaling(redis: OwnRedis): Promise<void> {
  const [image, corruptImage] = ["examples/star-red.png", "examples/star-blue.png"];
  await using queue = await open(redis.url);
  let asked = 0;
  const sweep = async (count: number, executor: Executor = queue) => {
    // Two of one input are one job, so each has a question of its own.
    const given = Array.from({ length: count }, (_, key) => {
      const { question, answers } = QUESTION;
      return { key, image, corruptImage, answers, question: `${question}${" ".repeat(asked++ % 500)}` };
    });
    for await (const { error } of executor.sweep(given, SWEEP)) if (error) throw error;
  };
  /** A worker's first sweeps take a second longer, while its programs are compiled. */
  const warm = async (workers: number) => {
    const done = async () => (await redis.ask(workersAt)).map((one) => one.done);
    while ((await done()).filter((count) => count >= WARM).length < workers) await sweep(WARM);
  };
  const ratios: number[] = [];
  const first = startWorker(redis.url);
  await warm(1);
  for (let round = 0; round < rounds; round++) {
    const one = await seconds(() => sweep(SWEEPS));
    const second = startWorker(redis.url);
    await warm(2);
    const two = await seconds(() => sweep(SWEEPS));
    second.kill("SIGKILL");
    ratios.push(one / two);
    // Until nobody counts on it.
    while ((await redis.ask(workersAt)).length > 1) await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  first.kill("SIGKILL");
  console.log(`scaling: ${SWEEPS} sweeps by two workers take ${range(ratios, 2)} times less than by one`);
  // What the cores themselves allow: the same by processes that no queue feeds.
  await using alone = await openPool(MODEL, { backend: "wasm", workers: 1 });
  await using both = await openPool(MODEL, { backend: "wasm", workers: 2 });
  for (const pool of [alone, both]) await sweep(2 * WARM, pool);
  const most: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = await seconds(() => sweep(SWEEPS, alone));
    most.push(one / (await seconds(() => sweep(SWEEPS, both))));
  }
  console.log(`scaling: without a queue, by two processes ${range(most, 2)} times less than by one`);
}

/** Of jobs that wait, without their pictures. */
async function memory(redis: OwnRedis): Promise<void> {
  const used = async () => Number(/used_memory:(\d+)/.exec(await redis.ask((one) => one.info("memory")))![1]);
  const raw = new Queue("memory", { connection: { host: "127.0.0.1", port: redis.port }, prefix: "notice" });
  const before = await used();
  const count = 20_000;
  const picture = (i: number) => ({ file: `pictures/${i}.png`, bytes: { $bytes: `${i}`.padStart(64, "0") } });
  for (let from = 0; from < count; from += 1000)
    await raw.addBulk(
      Array.from({ length: 1000 }, (_, i) => {
        const pair = { image: picture(from + i), corruptImage: picture(count + from + i), ...QUESTION };
        return {
          name: "job",
          data: { name: "sweep", input: { pair, sweeps: [SWEEP] } },
          opts: { jobId: `j${from + i}`.padEnd(64, "0") },
        };
      }),
    );
  console.log(
    `memory: ${(((await used()) - before) / count / 1000).toFixed(2)} KB of Redis for each waiting job, of ${count}`,
  );
  await raw.obliterate({ force: true });
  await raw.close();
}

const tiny = (i: number): Picture => ({
  width: 1,
  height: 1,
  data: new Uint8Array([i & 255, (i >> 8) & 255, i >> 16]),
});

function* samples(count: number) {
  for (let key = 0; key < count; key++) yield { key, image: tiny(key), question: QUESTION.question };
}

/** Machines with so many processes each, that wait so long for each sample, in eight processes here. */
async function waiting(url: string, [machines, each]: readonly [number, number], ms: number): Promise<ChildProcess[]> {
  const processes = Math.min(machines, 8);
  const children = Array.from({ length: processes }, () => {
    const args = [url, `${Math.floor(machines / processes)}`, `${each}`, `${ms}`];
    return fork("bench/queue-worker.ts", args, {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
  });
  await Promise.all(children.map((child) => new Promise((resolve) => child.once("message", resolve))));
  return children;
}

async function many(redis: OwnRedis): Promise<void> {
  const count = Number(values.samples);
  await using queue = await open(redis.url);
  const children = await waiting(redis.url, [8, 8], 0);
  const resident: number[] = [];
  let done = 0;
  const took = await seconds(async () => {
    for await (const { error } of queue.ask(samples(count))) {
      if (error) throw error;
      if (++done % Math.floor(count / 10) === 0) resident.push(process.memoryUsage().rss / 1e6);
    }
  });
  for (const child of children) child.kill("SIGKILL");
  const told = resident.map((megabytes) => megabytes.toFixed(0)).join(", ");
  console.log(
    `many: ${count} samples in ${took.toFixed(0)} s, ${(count / took).toFixed(0)} a second; ` +
      `the coordinator held, after each tenth, ${told} MB`,
  );
}

async function simulation(redis: OwnRedis): Promise<void> {
  for (const [machines, each, ms, count] of [
    [8, 8, 1000, 1280],
    [8, 8, 100, 3200],
    [32, 32, 10_000, 3072],
    [32, 32, 1000, 6144],
  ] as const) {
    const workers = machines * each;
    await using queue = await open(redis.url);
    const children = await waiting(redis.url, [machines, each], ms);
    // The coordinator looks who is there every five seconds.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const took = await seconds(async () => {
      for await (const { error } of queue.ask(samples(count))) if (error) throw error;
    });
    for (const child of children) child.kill("SIGKILL");
    const [rate, most] = [count / took, (1000 * workers) / ms];
    console.log(
      `simulation: ${workers} processes on ${machines} machines, ${ms / 1000} s a sample: ${rate.toFixed(1)} samples a second of ${most.toFixed(0)} ` +
        `(${((100 * rate) / most).toFixed(0)}%), ${count} samples`,
    );
    await redis.ask((one) => one.flushall());
  }
}

const PARTS = { overhead, scaling, memory, many, simulation };
console.log(
  `${availableParallelism()} cores, load ${loadavg()
    .map((one) => one.toFixed(1))
    .join(" ")}`,
);
for (const [name, part] of Object.entries(PARTS)) {
  if (values.part !== undefined && values.part !== name) continue;
  const redis = await OwnRedis.start();
  await part(redis);
  await redis.stop();
}
process.exit();
