import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readFindings } from "../../src/study/findings.js";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { notice } from "../support/command.js";
import { lacking } from "../support/needed.js";
import { pause } from "../support/redis.js";
import { hasSlurm, OwnSlurm } from "../support/slurm.js";

// A real Slurm of one node.

const test = suite("slurm");
let slurm: OwnSlurm;

test.before(async () => {
  slurm = await OwnSlurm.start();
});

test.after(async () => {
  await slurm.stop();
});

/** What a study found. A correlation's last digits follow the order of its rows. */
async function foundIn(folder: string): Promise<unknown> {
  using run = await StudyRun.reopen(folder);
  const rounded = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(12)) : value);
  return JSON.parse(JSON.stringify(await readFindings(run), rounded));
}

const SETTINGS = "--n 4 --verify 2 --random-sets 3 --resamples 100 --sites text.cross.z --modalities image".split(" ");

test("an array's shards, one of them stopped before its limit and queued again, become the run of one process", async () => {
  const [whole, run] = [join(temporaryFolder(), "whole"), join(temporaryFolder(), "run")];
  const said = await notice("study", "--out", whole, ...SETTINGS, "--workers", "1");
  assert.is(said.code, 0, said.stderr);
  assert.is((await notice("prepare", "--out", run, ...SETTINGS)).code, 0);
  const { code, stdout, stderr } = await notice("slurm", run, "--tasks", "2", "--time", "0:30:00");
  assert.is(code, 0, stderr);
  assert.match(stdout, /^for stage in evaluate patch verify; do$/m);
  // What is printed is given to a shell.
  await slurm.shell(stdout);
  const [patch] = (await slurm.call("squeue", "-h", "-n", "patch", "-o", "%F")).split("\n");
  const out = `${run}.slurm`;
  for (let waited = 0; waited < 900 && !existsSync(join(out, "patch-0.log")); waited++) await pause(200);
  await pause(2000);
  // As Slurm does before the limit.
  await slurm.call("scancel", "--signal=TERM", "--batch", `${patch}_0`);
  await slurm.idle(420);
  assert.match(readFileSync(join(slurm.folder, "slurmctld.log"), "utf8"), /Requeuing JobId/, "it is queued again");
  const logs = readdirSync(out).flatMap((name) =>
    name.endsWith(".log") ? [readFileSync(join(out, name), "utf8")] : [],
  );
  assert.ok(existsSync(join(out, "whole", "report.html")), logs.join("\n---\n"));
  const [found, expected] = [await foundIn(join(out, "whole")), await foundIn(whole)];
  assert.ok(isDeepStrictEqual(found, expected), "the findings are equal");
});

if (hasSlurm()) test.run();
else lacking("slurm", "there is no Slurm that may be started");
