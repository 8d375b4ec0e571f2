import { appendFileSync, cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inProcess } from "../../src/executors/in-process.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { mergeRuns } from "../../src/study/merge.js";
import { StudyRun } from "../../src/study/run.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { shardName } from "../../src/study/shard.js";
import { finishShard, type ShardedStage } from "../../src/study/shard-record.js";
import { STAGES, type StageName, type Watch } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { compare, rowsOf } from "../torture/compare.js";

const SETTINGS: GivenSettings = {
  ...{ n: 2, candidates: 3, seed: 2, modalities: ["image"], sites: ["text.cross.z"], attribution: false },
  ...{ verify: 2, randomSets: 3, resamples: 100 },
};

const silent: Watch = { begin: () => ({ update() {}, end() {} }), warn() {} };

const COUNT = 2;

const test = suite<{ root: string; model: Model }>("merge");

test.before(async (context) => {
  context.root = temporaryFolder();
  context.model = await loadBlip("weights/scenes");
});

test.after(({ model }) => {
  model[Symbol.dispose]();
});

async function work(folder: string, model: Model, stages: readonly StageName[], index?: number): Promise<void> {
  using run = await StudyRun.open(folder, SETTINGS);
  const shard = index === undefined ? {} : { shard: { index, count: COUNT } };
  await runStages(run, stages, { watch: silent, executor: inProcess(model), ...shard });
}

/** Every shard of the next round, on copies of a run. */
async function shardsOf(from: string, to: string, model: Model, stage: ShardedStage): Promise<string[]> {
  const folders: string[] = [];
  for (let index = 0; index < COUNT; index++) {
    const folder = `${to}-${index}`;
    cpSync(from, folder, { recursive: true });
    await work(folder, model, STAGES, index);
    await finishShard(folder, { index, count: COUNT }, stage);
    folders.push(folder);
  }
  return folders;
}

test("a whole study in shards, a round after the other, has the rows of one process", async ({ root, model }) => {
  const [whole, first] = [join(root, "whole"), join(root, "first")];
  await work(whole, model, STAGES);
  await work(first, model, ["prepare"]);
  let from = first;
  for (const stage of ["evaluate", "patch", "verify"] as const) {
    const merged = join(root, stage);
    const shards = await shardsOf(from, merged, model, stage);
    // In any order.
    await mergeRuns(merged, stage === "patch" ? [...shards].reverse() : shards);
    await refused(() => mergeRuns(join(root, "few"), [shards[0]!, from]), "options", `${from} is not finished`);
    await refused(() => mergeRuns(join(root, "twice"), [shards[0]!, shards[0]!]), "options", "are both 0/2");
    from = merged;
  }
  await work(from, model, STAGES);
  assert.equal(compare(await rowsOf(whole), await rowsOf(from)), { lost: 0, doubled: 0, changed: 0 });
});

test("a shard that is missing, of another count or stage, changed or interrupted is named", async ({ root, model }) => {
  const base = join(root, "base");
  await work(base, model, ["prepare"]);
  const shards = await shardsOf(base, join(root, "named"), model, "evaluate");
  const [a, b] = shards as [string, string];
  const into = join(root, "named");
  const put = (index: number, count: number, stage: ShardedStage = "evaluate") =>
    finishShard(b, { index, count }, stage);
  await put(1, 4);
  await finishShard(a, { index: 0, count: 4 }, "evaluate");
  await refused(() => mergeRuns(into, shards), "options", "2/4, 3/4 are missing");
  await put(1, 2);
  await refused(() => mergeRuns(into, shards), "options", `${a} is one of 4, and ${b} one of 2`);
  await finishShard(a, { index: 0, count: 2 }, "evaluate");
  await put(1, 2, "patch");
  await refused(() => mergeRuns(into, shards), "options", "of the stage evaluate");
  await put(1, 2);
  cpSync(join(b, "study.duckdb"), join(root, "kept"));
  appendFileSync(join(b, "study.duckdb"), "x");
  await refused(() => mergeRuns(into, shards), "options", "is not as it was when its shard was done");
  cpSync(join(root, "kept"), join(b, "study.duckdb"));
  // What is done once more is finished once more.
  await work(b, model, ["evaluate"], 1);
  assert.not(existsSync(join(b, "shard.json")));
  await refused(() => mergeRuns(into, shards), "options", `${b} is not finished`);
  // Without records by what they hold.
  rmSync(join(a, "shard.json"));
  await refused(() => mergeRuns(into, [a, base]), "options", "samples are asked about in none of these runs");
  await refused(() => mergeRuns(into, [a, a]), "options", "both asked about");
  assert.equal(await mergeRuns(into, shards), { asked: 9, patched: 0, selected: 0 });
  assert.is(shardName({ index: 1, count: 2 }), "1/2");
});

test.run();
