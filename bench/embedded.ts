import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readPairs } from "../src/data/pairs.js";
import { writeScenes } from "../src/data/scenes/write.js";
import type { PairInput } from "../src/patching/inputs.js";
import type { Backend } from "../src/platform/backend.js";
import { openPool } from "../src/pool.js";

// `npm run bench:embedded`: every head, token and layer of cross- and self-attention for many pairs on weights/scenes,
// by a pool of one worker and of as many as cores. --backend NAME (wasm); --pairs N (100). Where taskset is, each
// worker has one core: else a single worker's compiler and garbage collector run on another.

const { values } = parseArgs({
  options: { backend: { type: "string", default: "wasm" }, pairs: { type: "string", default: "100" } },
});
const PAIRS = Number(values.pairs);
const SWEEPS = [{ site: "text.cross.z" }, { site: "text.self.z" }] as const;
const model = fileURLToPath(new URL("../weights/scenes", import.meta.url));

interface Row {
  readonly workers: number;
  /** Of opening the pool: processes started, model read. */
  readonly opening: number;
  readonly sweeping: number;
}

const folder = await mkdtemp(join(tmpdir(), "notice-embedded-"));
try {
  await writeScenes(join(folder, "scenes"), { count: Math.ceil(PAIRS / 3), seed: 1000 });
  const rows: Row[] = [];
  for (const workers of new Set([1, availableParallelism()])) rows.push(await measure(workers));
  print(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(workers: number): Promise<Row> {
  const start = performance.now();
  await using pool = await openPool(model, { workers, backend: values.backend as Backend });
  const opened = performance.now();
  for (const [core, pid] of pool.pids.entries()) spawnSync("taskset", ["-a", "-p", "-c", String(core), String(pid)]);
  let done = 0;
  for await (const { error } of pool.sweep(pairs(), SWEEPS)) {
    if (error) throw error;
    done++;
  }
  if (done !== PAIRS) throw new Error(`${done} pairs came back, not ${PAIRS}.`);
  return { workers, opening: opened - start, sweeping: performance.now() - opened };
}

async function* pairs(): AsyncGenerator<{ key: number } & PairInput> {
  for await (const { index, pair } of await readPairs(join(folder, "scenes", "pairs.jsonl"), "image"))
    if (pair && index < PAIRS) yield { key: index, ...pair };
}

function print(rows: readonly Row[]): void {
  const seconds = (milliseconds: number) => (milliseconds / 1e3).toFixed(1);
  console.log(`${PAIRS} pairs, ${values.backend}; load of the machine ${loadavg()[0]!.toFixed(1)}`);
  console.table(
    rows.map(({ workers, opening, sweeping }) => ({
      workers,
      "opening s": seconds(opening),
      "sweeping s": seconds(sweeping),
      "all s": seconds(opening + sweeping),
      "pairs/s": ((1e3 * PAIRS) / sweeping).toFixed(1),
      "of one worker": `${(rows[0]!.sweeping / sweeping).toFixed(2)} x`,
    })),
  );
}
