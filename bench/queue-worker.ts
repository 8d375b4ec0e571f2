import { setTimeout as wait } from "node:timers/promises";
import { connect } from "../src/executors/redis/connect.js";
import { doneChannel, queueOf, resultKey, workerKey } from "../src/executors/redis/protocol.js";
import { sessionsAt } from "../src/executors/redis/records.js";

// Workers that wait instead of computing, each with its own connections and some processes' worth of jobs, for
// queue.ts: `queue-worker.ts REDIS COUNT PROCESSES MILLISECONDS`. What they say to Redis is what `serveQueue` says.

const [url, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [count, concurrency, ms] = numbers.map(Number) as [number, number, number];
const connection = await connect(url, () => {});
const { redis } = connection;
let session = (await sessionsAt(redis))[0];
while (!session) {
  await wait(100);
  session = (await sessionsAt(redis))[0];
}
const queue = queueOf(session);
const facts = { host: "bench", pid: process.pid, processes: count * concurrency, version: session.version };
const record = { ...facts, backend: session.backend, model: session.digest, done: 0, active: 0, since: Date.now() };
const greet = () => redis.set(workerKey(`bench-${process.pid}`), JSON.stringify(record), "EX", 20);
await greet();
setInterval(() => void greet(), 2000);
const found = JSON.stringify({ output: { answer: "red" } });
const perform = async ({ id }: { id?: string }) => {
  if (ms > 0) await wait(ms);
  await redis.set(resultKey(queue, id!), found, "EX", 3600);
  await redis.publish(doneChannel(queue), id!);
  return "done";
};
for (let i = 0; i < count; i++)
  connection.worker(queue, perform, { concurrency, lockMs: 30_000 }).on("error", () => {});
process.on("disconnect", () => process.exit());
process.send?.("ready");
