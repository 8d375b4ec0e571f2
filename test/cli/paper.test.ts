import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeScenes } from "../../src/data/scenes/write.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";

const FEW = ["--n", "2", "--workers", "1"];

test("a run for each of the paper's data sets that is there, and what is found beside what the paper says; given again, it goes on", async () => {
  const folder = temporaryFolder();
  const [data, out] = [join(folder, "data"), join(folder, "runs")];
  await writeScenes(data, { count: 8, seed: 7 });
  // One of the three is enough to be slow.
  for (const other of ["svo-probes", "mit-states"]) rmSync(join(data, other), { recursive: true });
  const args = ["paper", "--data", data, "--out", out, "--model", "weights/scenes", ...FEW];
  const { code, stdout, stderr } = await noticeHere(...args);
  assert.is(code, 0, stderr);
  assert.match(stdout, /faces +3500 +2/);
  assert.ok(existsSync(join(out, "faces", "report.html")));
  assert.match(stdout, /the paper: L5H3, L3H0, L0H11 \(.*section 4/);
  assert.match(stdout, /as published +corrected/);
  const again = await noticeHere(...args, "--json", "-");
  assert.is(again.code, 0, again.stderr);
  assert.not.match(again.stderr, /patch: /, "all is done");
  const { runs } = JSON.parse(again.stdout);
  assert.equal(
    runs.map((one: { dataset: string; samples: number }) => [one.dataset, one.samples]),
    [["faces", 2]],
  );
});

test("shards merge by data set, and go on from there", async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeScenes(at("data"), { count: 4, seed: 7 });
  rmSync(at("data/mit-states"), { recursive: true });
  const part = (name: string, ...more: string[]) =>
    noticeHere("paper", "--data", at("data"), "--out", at(name), "--model", "weights/scenes", ...FEW, ...more);
  for (const i of [0, 1]) {
    const { code, stdout, stderr } = await part(`part-${i}`, "--shard", `${i}/2`);
    assert.is(code, 0, stderr);
    assert.match(stdout, /this shard is done; `notice merge`/);
  }
  const missing = await noticeHere("merge", at("none"), at("part-1"), at("part-1"));
  assert.match(missing.stderr, /are both 1\/2/);
  const merged = await noticeHere("merge", at("asked"), at("part-0"), at("part-1"));
  assert.is(merged.code, 0, merged.stderr);
  assert.match(merged.stdout, /asked\/faces: 8 questions are asked\n.*asked\/svo-probes: 8 questions are asked\n/);
  const further = await part("asked", "--shard", "1/2");
  assert.match(further.stderr, /patch: 1 samples/);
  assert.not.match(further.stderr, /evaluate: /);
});

test("a folder without any of the data sets is refused with their names", async () => {
  const { code, stderr } = await noticeHere("paper", "--data", temporaryFolder(), "--out", temporaryFolder());
  assert.is(code, 2);
  assert.match(stderr, /none of the paper's data sets.*svo-probes, mit-states, faces or facial-expressions/);
});

test.run();
