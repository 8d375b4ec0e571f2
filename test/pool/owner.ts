// A process with a pool, for the test that its workers end with it: says which they are when one of them is at work.
import { openPool } from "../../src/pool/pool.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

const pool = await openPool(NARROW, { workers: 2, backend: "wasm" });
const pair = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
// Minutes of work for one pair.
const sweeps = Array.from({ length: 5000 }, () => ({ site: "text.cross.z" as const }));
const result = pool.sweep([{ key: 0, ...pair }], sweeps).next();
setTimeout(() => process.stdout.write(`${pool.pids.join(" ")}\n`), 200);
await result;
