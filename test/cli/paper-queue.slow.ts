import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeScenes } from "../../src/data/scenes/write.js";
import { StudyRun } from "../../src/study/run.js";
import { TABLES } from "../../src/study/tables.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { hasRedis, OwnRedis, OwnWorker } from "../support/redis.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

test.before(async () => {
  await writeScenes(at("data"), { count: 6, seed: 7 });
  for (const other of ["svo-probes", "mit-states"]) rmSync(join(at("data"), other), { recursive: true });
  await paper("one", "--workers", "1");
});

async function paper(name: string, ...more: string[]): Promise<void> {
  const flags = ["--data", at("data"), "--out", at(name), "--model", "weights/scenes", "--n", "4", ...more];
  const { code, stderr } = await noticeHere("paper", ...flags);
  assert.is(code, 0, stderr);
}

/** All rows of all tables, but for when and where they were computed. */
async function rowsOf(name: string): Promise<Record<string, string[]>> {
  using run = await StudyRun.reopen(join(at(name), "faces"));
  const found: Record<string, string[]> = {};
  for (const table of Object.keys(TABLES).filter((one) => !["begun", "provenance"].includes(one))) {
    const columns = Object.keys(TABLES[table as keyof typeof TABLES]).filter((column) => column !== "provenance");
    const rows = await run.store.rows(`SELECT ${columns.map((one) => `"${one}"`).join(", ")} FROM ${table}`);
    found[table] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return found;
}

test("the paper's studies by shards give the tables of one process", async () => {
  const parts = ["part-0", "part-1"];
  for (const round of ["asked", "patched", "tested"]) {
    for (const [i, part] of parts.entries()) await paper(part, "--workers", "1", "--shard", `${i}/2`);
    const { code, stderr } = await noticeHere("merge", at(round), ...parts.map(at));
    assert.is(code, 0, stderr);
    for (const part of parts) {
      rmSync(at(part), { recursive: true });
      cpSync(at(round), at(part), { recursive: true });
    }
  }
  await paper("tested", "--workers", "1");
  const [one, shards] = [await rowsOf("one"), await rowsOf("tested")];
  assert.ok(one.scores!.length > 1000 && one.rules!.length > 0);
  assert.equal(shards, one);
});

if (hasRedis())
  test("the paper's studies through a queue give the tables of one process", async () => {
    const redis = await OwnRedis.start();
    const worker = new OwnWorker(redis.url);
    try {
      await paper("queue", "--executor", redis.url);
      assert.equal(await rowsOf("queue"), await rowsOf("one"));
    } finally {
      await worker.kill();
      await redis.stop();
    }
  });

test.run();
