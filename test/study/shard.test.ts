import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseShard, WHOLE } from "../../src/study/shard.js";
import { refused } from "../support/refused.js";

test("a shard is a place below the count", () => {
  assert.equal(parseShard("0/3"), { index: 0, count: 3 });
  assert.equal(parseShard(" 2/3 "), { index: 2, count: 3 });
  assert.equal(parseShard("0/1"), WHOLE);
  assert.equal(parseShard("999998/999999"), { index: 999998, count: 999999 });
});

test("what is no shard is refused, in few words", async () => {
  for (const text of ["3/3", "1/1", "0/0", "4/3", "-1/3", "1", "1/", "/3", "1/3/5", "1.0/3", "0/1000000", ""])
    await refused(() => parseShard(text), "options", `The shard ${JSON.stringify(text)} is none`);
  const message = await refused(() => parseShard("9".repeat(1000)), "options");
  assert.ok(message.includes(`"${"9".repeat(80)}"`) && message.length < 200);
});

test("auto is the task of an array of Slurm, LSF, SGE or PBS", async () => {
  const auto = (env: NodeJS.ProcessEnv) => parseShard("auto", env);
  const slurm = { SLURM_ARRAY_TASK_ID: "5", SLURM_ARRAY_TASK_MIN: "2", SLURM_ARRAY_TASK_COUNT: "4" };
  assert.equal(auto(slurm), { index: 3, count: 4 });
  assert.equal(auto({ LSB_JOBINDEX: "1", LSB_JOBINDEX_END: "8" }), { index: 0, count: 8 });
  assert.equal(auto({ SGE_TASK_ID: "3", SGE_TASK_FIRST: "1", SGE_TASK_LAST: "3" }), { index: 2, count: 3 });
  assert.equal(auto({ PBS_ARRAY_INDEX: "0", NOTICE_SHARDS: "2" }), { index: 0, count: 2 });
  await refused(() => auto({}), "options", "none of SLURM_ARRAY_TASK_ID");
  await refused(() => auto({ PBS_ARRAY_INDEX: "0" }), "options", "NOTICE_SHARDS");
  // An array of 0, 10, 20 has gaps.
  await refused(() => auto({ ...slurm, SLURM_ARRAY_TASK_ID: "12" }), "options", "follow one another");
  // LSF says 0 of a job that is no array.
  await refused(() => auto({ LSB_JOBINDEX: "0", LSB_JOBINDEX_END: "0" }), "options", "LSB_JOBINDEX is 0");
});

test.run();
