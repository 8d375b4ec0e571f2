// A process with a pool, for the test that its workers end with it: says which they are when each is at work, at a task
// that takes minutes for one pair.
import { openPool } from "../../src/pool.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

// Beside the model each has 2 MB, with which a batch is short.
const pool = await openPool(NARROW, { workers: 4, backend: "wasm", memory: 4 * 70e6 });
const input = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const many = { randomSets: 20_000, seed: 0 };
const attribution = { sites: ["text.cross.z"] as const, steps: 20_000 };
const sweeps = Array.from({ length: 5000 }, () => ({ site: "text.cross.z" as const }));
const results = [
  pool.sweep([{ key: 0, ...input }], sweeps),
  pool.perform("patchPairs", [{ key: 0, input: { pairs: [{ input, sweeps: [], attribution }] } }]),
  pool.perform("faithful", [{ key: 0, input: { pair: input, heads: [], ...many } }]),
  pool.perform("attribute", [{ key: 0, input: { pair: input, attribution: { site: "text.cross.z", steps: 20_000 } } }]),
].map((task) => task.next());
setTimeout(() => process.stdout.write(`${pool.pids.join(" ")}\n`), 1000);
await Promise.all(results);
