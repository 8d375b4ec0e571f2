import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StudyRun } from "../../src/study/run.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";

test("what a killed drawing of scenes left is removed, with all in it; scenes that are there stay", async () => {
  const folder = join(temporaryFolder(), "run");
  using run = await StudyRun.open(folder, { n: 2 });
  const left = join(folder, "scenes.partial-123", "images");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "1.png"), "half a picture");
  writeFileSync(join(folder, "notes.txt"), "mine");
  const bars: [string, number][] = [];
  const begin = (what: string, total: number) => {
    bars.push([what, total]);
    return { update() {}, end() {} };
  };
  await runStages(run, ["prepare"], { watch: { begin, warn() {} } });
  assert.equal(
    readdirSync(folder)
      .filter((name) => !name.startsWith("study.duckdb"))
      .sort(),
    ["notes.txt", "scenes", "settings.json"],
  );
  assert.equal(bars, [
    ["draw scenes", 12], // of each of three tasks twice `n`
    ["prepare scenes", 0],
  ]);
  assert.is(await run.store.count("SELECT count(*) FROM samples"), 12);
  // A second call has nothing to do.
  await runStages(run, ["prepare"], { watch: { begin, warn() {} } });
  assert.is(bars.length, 2);
});

test.run();
