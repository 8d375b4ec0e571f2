import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { drawHeadMap, HEAD_MAP, KEPT, readKept, readmeLines, TEXT } from "../scripts/kept-run.js";
import { modelDigest } from "../src/files/model-digest.js";
import { finding } from "../src/report/finding.js";
import { ROOT } from "./support/root.js";

// What the README says and shows is of a run that `npm run pictures` keeps. readme.slow.ts redoes a part of it.

const AGAIN = "`npm run pictures` writes it anew";

test("the README's three lines are the kept run's", async () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  assert.ok(readme.includes(`\n\n${readmeLines(await readKept()).join("\n")}\n\n`), AGAIN);
});

test("they are no longer where the run says something else", async () => {
  const run = await readKept();
  const { circuits } = run.shared[0]!;
  const others = [
    { ...run, headlines: [] },
    { ...run, shared: [] },
    { ...run, shared: [{ ...run.shared[0]!, circuits: circuits.slice(1) }] },
    { ...run, headFunctions: run.headFunctions.map((one) => ({ ...one, auroc: 0.5 })) },
  ];
  for (const other of others) assert.throws(() => readmeLines(other), /something else/);
});

test("the head map is drawn from the kept run, and the report's picture has its sentences", async () => {
  const run = await readKept();
  assert.ok(Buffer.from(await drawHeadMap(run)).equals(readFileSync(join(ROOT, HEAD_MAP))), AGAIN);
  const text = readFileSync(join(ROOT, TEXT), "utf8").replaceAll("\u00A0", " ");
  for (const sentence of finding(run)) assert.ok(text.includes(sentence), AGAIN);
});

test("the kept run is of the embedded model, over twelve pairs of each data set", async () => {
  const { run, datasets } = await readKept();
  assert.is(run.modelHash, await modelDigest(join(ROOT, "weights/scenes")), `${KEPT}: ${AGAIN}`);
  const patched = datasets.map(({ groups }) => groups.reduce((sum, group) => sum + group.patched, 0));
  assert.equal(patched, [12, 12, 12]);
});

test.run();
