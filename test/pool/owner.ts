// A process with a pool, for the test that its workers end with it: says which they are when each is at work, at a task that takes
// minutes for one pair.
import { openPool } from "../../src/pool/pool.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

// Beside the model each has 2 MB, with which a batch is short.
const pool = await openPool(NARROW, { workers: 4, backend: "wasm", memory: 4 * 70e6 });
const input = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const many = { randomSets: 20_000, seed: 0 };
const attribution = { sites: ["text.cross.z"] as const, steps: 20_000 };
const test = { input, heads: [], ranked: [], sizes: [], options: many };
const sweeps = Array.from({ length: 5000 }, () => ({ site: "text.cross.z" as const }));
const results = [
  pool.sweep([{ key: 0, ...input }], sweeps),
  pool.study([{ key: 0, pairs: [{ input, sweeps: [], attribution }] }]),
  pool.verify([{ key: 0, pairs: [test] }]),
  pool.measure([{ key: 0, ...input }], "faithful", { heads: [], ...many }),
].map((task) => task.next());
setTimeout(() => process.stdout.write(`${pool.pids.join(" ")}\n`), 1000);
await Promise.all(results);
