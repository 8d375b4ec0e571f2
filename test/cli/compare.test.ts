import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { madeRun } from "../support/made-run.js";

async function twoRuns(): Promise<string[]> {
  const runs = [await madeRun(), await madeRun({ hash: "fedcba9876543210" })];
  for (const run of runs) run[Symbol.dispose]();
  return runs.map(({ folder }) => folder);
}

test("compare prints what runs share, and writes it as JSON, again where it did before", async () => {
  const [a, b] = (await twoRuns()) as [string, string];
  const json = join(temporaryFolder(), "compared.json");
  for (const _ of "12") {
    const { code, stdout, stderr } = await noticeHere("compare", a, b, "--json", json);
    assert.is(code, 0, stderr);
    assert.match(
      stdout,
      /1: own, image, text\.cross\.z +2: own, image, text\.cross\.z +L0H3 \(by place\) +0\.083 +1\.00 \[/,
    );
    assert.match(stdout, /other weights, where the same name need not mean the same head/);
    assert.match(stdout, /\] +segmentation L0H3 and L0H3\n/);
  }
  assert.equal(JSON.parse(readFileSync(json, "utf8")).pairs[0].named.shared, [{ layer: 0, head: 3 }]);
});

test("one run, or a folder that is none, is refused", async () => {
  const [a] = (await twoRuns()) as [string];
  const alone = await noticeHere("compare", a);
  assert.is(alone.code, 2);
  assert.match(alone.stderr, /two or more runs; 1 was given/);
  const none = await noticeHere("compare", a, temporaryFolder());
  assert.is(none.code, 2);
  assert.match(none.stderr, /is no run/);
});

test("a report has a section beside other runs", async () => {
  const [a, b] = (await twoRuns()) as [string, string];
  const { code, stderr } = await noticeHere("report", "--out", a, "--compare", b);
  assert.is(code, 0, stderr);
  const page = readFileSync(join(a, "report.html"), "utf8");
  assert.match(page, /Beside other runs/);
  assert.match(page, /<td>L0H3 \(by place\)<\/td><td>0\.083<\/td>/);
});

test.run();
