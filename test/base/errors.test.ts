import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { WorkerError } from "../../src/executors/processes/worker-process.js";
import { StudyRun } from "../../src/study/run.js";
import type { StageName } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

test("an error carries its code and its cause", () => {
  const cause = new Error("EACCES");
  const error = new NoticeError("checkpoint", "config.json: cannot be read", { cause });
  assert.is(error.code, "checkpoint");
  assert.is(error.cause, cause);
  assert.instance(error, Error);
});

test("a message is of a length that somebody reads, however long a name is", () => {
  const { message } = new NoticeError("checkpoint", `tensor ${"x".repeat(1e6)} is missing; download it again.`);
  assert.match(message, /^tensor x+ … x+ is missing; download it again\.$/);
  assert.is(message.length, 2003);
});

test("a dead worker is an error of the same family", () => {
  const error = new WorkerError("SIGKILL");
  assert.instance(error, NoticeError);
  assert.is(error.code, "worker");
  assert.is(error.name, "WorkerError");
});

test("a run of a study refuses settings, queries and stages that are none, and all once it is closed", async () => {
  const folder = join(temporaryFolder(), "run");
  await refused(() => StudyRun.open(folder, { n: -1 }), "options", "n: Too small", "Fields: model, dataset");
  const run = await StudyRun.open(folder);
  await refused(() => run.store.rows("SELEC 1"), "options", 'syntax error at or near "SELEC"');
  const watch = { begin: () => ({ update() {}, end() {} }), warn() {} };
  await refused(() => runStages(run, ["report" as StageName], { watch }), "options", "choose from prepare");
  run[Symbol.dispose]();
  run[Symbol.dispose]();
  await refused(() => run.store.rows("SELECT 1"), "disposed", "open the run again");
});

test.run();
