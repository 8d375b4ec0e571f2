import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/random.js";
import { exportScores } from "../../src/study/export.js";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { MAIN } from "../support/root.js";
import { attributesTable } from "../support/scenes-table.js";

// NOTICE_KILLS=50 kills fifty times; the quick suite a few.
const KILLS = Number(process.env.NOTICE_KILLS ?? 1);
// One shard of one: all of it but the report.
const SETTINGS = [
  "--dataset",
  await attributesTable(3, 1004),
  "--shard",
  "0/1",
  "--n",
  "2",
  "--candidates",
  "3",
  "--sites",
  "decoder.cross.z,text.resid_post",
  "--screen",
  "6",
  "--random-sets",
  "4",
  "--workers",
  "1",
];

interface Ended {
  readonly seconds: number;
  readonly code: number | null;
  readonly stderr: string;
}

/** `notice study`, killed with its worker's parent gone after some seconds unless it has ended. */
function study(folder: string, killAfter = Number.POSITIVE_INFINITY): Promise<Ended> {
  const begun = performance.now();
  const args = [MAIN, "study", "--out", folder, ...SETTINGS];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const timer = Number.isFinite(killAfter) ? setTimeout(() => child.kill("SIGKILL"), 1e3 * killAfter) : undefined;
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((resolve) =>
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ seconds: (performance.now() - begun) / 1e3, code, stderr });
    }),
  );
}

async function exported(folder: string): Promise<string> {
  using run = await StudyRun.reopen(folder);
  const file = join(temporaryFolder(), "scores.csv");
  await exportScores(run, file, "csv");
  return readFileSync(file, "utf8");
}

test(`killed ${KILLS} times, a study loses nothing and doubles nothing`, async () => {
  const whole = join(temporaryFolder(), "whole");
  const { seconds: first, code, stderr } = await study(whole);
  assert.is(code, 0, stderr);
  const wanted = await exported(whole);
  const choose = random("kills");
  let kills = 0;
  // From the beginning to the end, as quickly as was seen: what is killed later than it ends is no kill.
  let seconds = first;
  for (let run = 0; kills < KILLS; run++) {
    const folder = join(temporaryFolder(), `killed-${run}`);
    // Anywhere from the first moment to the last; what is done shortens the next attempt.
    for (let last: number | null = null; last !== 0; ) {
      const begins = !existsSync(folder);
      const ended = await study(folder, kills < KILLS ? choose.between(0.1, seconds) : undefined);
      last = ended.code;
      if (last === null) kills++;
      else {
        assert.is(last, 0, ended.stderr);
        if (begins) seconds = Math.min(seconds, ended.seconds);
      }
    }
    assert.is(await exported(folder), wanted);
  }
});

test.run();
