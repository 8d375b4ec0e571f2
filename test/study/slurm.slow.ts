import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readFindings } from "../../src/study/findings.js";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { notice } from "../support/command.js";
import { lacking } from "../support/needed.js";
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
  for (const stage of ["prepare", "evaluate", "select"])
    assert.is((await notice(stage, "--out", run, ...(stage === "prepare" ? SETTINGS : []), "--workers", "1")).code, 0);
  const { code, stdout } = await notice("slurm", run, "--tasks", "3", "--time", "0:30:00");
  assert.is(code, 0);
  assert.match(
    stdout,
    /^job=\$\(sbatch --parsable '.*patch\.sh'\) && sbatch --dependency=afterok:\$job '.*merge\.sh'\n$/,
  );
  const job = await slurm.call("sbatch", "--parsable", `${run}.slurm/patch.sh`);
  await slurm.call("sbatch", `--dependency=afterok:${job}`, `${run}.slurm/merge.sh`);
  const log = join(`${run}.slurm`, "patch-0.log");
  for (let waited = 0; waited < 300 && !existsSync(log); waited++) execFileSync("sleep", ["0.2"]);
  execFileSync("sleep", ["3"]);
  // As Slurm does before the limit.
  await slurm.call("scancel", "--signal=TERM", "--batch", `${job}_0`);
  await slurm.idle(420);
  const logs = ["merge", "patch-0", "patch-1", "patch-2"].map((name) =>
    readFileSync(join(`${run}.slurm`, `${name}.log`), "utf8"),
  );
  assert.ok(existsSync(join(`${run}.slurm`, "whole", "report.html")), logs.join("\n---\n"));
  const [found, expected] = [await foundIn(join(`${run}.slurm`, "whole")), await foundIn(whole)];
  assert.ok(isDeepStrictEqual(found, expected), "the findings are equal");
  const few = join(temporaryFolder(), "few");
  const shards = [0, 1].map((index) => join(`${run}.slurm`, `shard-${index}`));
  const gaps = await notice("merge", few, ...shards);
  assert.is(gaps.code, 2);
  assert.match(gaps.stderr, /selected samples are patched in none of these runs: \w+\//);
  assert.not(existsSync(few));
});

if (hasSlurm()) test.run();
else lacking("slurm", "there is no Slurm that may be started");
