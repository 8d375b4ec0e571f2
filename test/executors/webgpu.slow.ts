import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openPool, type Pool } from "../../src/pool.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { lacking } from "../support/needed.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

// Workers that compute on a GPU, here on SwiftShader, a program that stands in for one.

const TOLERANCE = 1e-4;
const PAIR = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const SWEEP = { site: "text.cross.z", layers: [0], heads: [0], position: "answer" } as const;

/** The score of each pair, in their order; none twice, and none an error. */
async function scoresOf(pool: Pool, count: number, onResult = (_done: number) => {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { key, scores, error } of pool.sweep(
    Array.from({ length: count }, (_, key) => ({ key, ...PAIR })),
    SWEEP,
    { ordered: true },
  )) {
    assert.is(error, undefined, error?.message);
    assert.is(key, found.length);
    const [table] = scores![0]!.toJSON().metrics.logitDiff as (number | null)[][][];
    found.push(table!.flat().find((value) => value !== null)!);
    onResult(found.length);
  }
  return found;
}

if (process.env.VK_ICD_FILENAMES === undefined) lacking("gpu", "VK_ICD_FILENAMES names no driver");
else {
  test("a GPU that is lost and a worker that is killed cost no pair and change none", async () => {
    await using wasm = await openPool(NARROW, { workers: 1, backend: "wasm" });
    const [right] = await scoresOf(wasm, 1);
    const lost = join(temporaryFolder(), "lost");
    const environment = { ...process.env };
    Object.assign(process.env, {
      NODE_OPTIONS: `--import ${new URL("gpu-loser.js", import.meta.url)}`,
      LOST_ONCE: lost,
    });
    try {
      await using gpu = await openPool(NARROW, { workers: 1, backend: "webgpu", warn: () => undefined });
      const pids = new Set<number>();
      const found = await scoresOf(gpu, 4, (done) => {
        pids.add(gpu.pids[0]!);
        if (done === 3) process.kill(gpu.pids[0]!, "SIGKILL");
      });
      assert.ok(existsSync(lost), "no GPU was lost");
      assert.ok(pids.size >= 2, `${pids.size} workers`);
      for (const score of found) assert.ok(Math.abs(score - right!) <= TOLERANCE, `${score} instead of ${right}`);
    } finally {
      for (const name of ["NODE_OPTIONS", "LOST_ONCE"])
        if (environment[name] === undefined) delete process.env[name];
        else process.env[name] = environment[name];
    }
  });

  test.run();
}
