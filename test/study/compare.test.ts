import { test } from "uvu";
import * as assert from "uvu/assert";
import { compareRuns } from "../../src/study/compare.js";
import { comparisonTables } from "../../src/study/comparison-tables.js";
import { effects, madeRun } from "../support/made-run.js";
import { refused } from "../support/refused.js";

test("two runs of one model share heads by name, against chance, with the rank correlation", async () => {
  using one = await madeRun();
  using other = await madeRun({ effects: [effects({ 3: 0.7, 9: 0.2 }), effects({ 3: 0.9, 9: 0.1 })] });
  const { runs, circuits, pairs } = await compareRuns([one, other]);
  assert.equal(
    runs.map(({ folder, architecture }) => [folder, architecture]),
    [
      [one.folder, "blip-vqa"],
      [other.folder, "blip-vqa"],
    ],
  );
  const head = { layer: 0, head: 3 };
  const [first, second] = circuits.filter(({ samples }) => samples > 0) as [(typeof circuits)[0], (typeof circuits)[0]];
  assert.equal([first.run, second.run], [0, 1]);
  assert.equal([first.heads, second.heads], [[head], [head]]);
  assert.equal(first.functions, {
    segmentation: { heads: [head], low: 1, high: 1 },
    "object inhibition": { heads: [], low: 0, high: 0 },
  });
  // Layers lie in the second and fourth quarter: 0.85 and small ones of the first, 0.35 of the second.
  assert.ok(Math.abs(first.depth[1]! + first.depth[3]! - 1) < 1e-9 && first.depth[1]! > 0.65, `${first.depth}`);
  const [pair, ...none] = pairs;
  assert.is(none.length, 0);
  assert.equal(pair!.named!.shared, [head]);
  assert.is(pair!.named!.sameWeights, true);
  // One of twelve heads each.
  assert.ok(Math.abs(pair!.named!.chance - 1 / 12) < 1e-9);
  // Ranks of heads 8 to 11 are 11, 8, 9, 10 here and 8, 11, 9, 10 there: 1 - 6 (9 + 9) / (12 * 143).
  assert.ok(Math.abs(pair!.named!.rank.correlation! - (1 - 108 / 1716)) < 1e-9, `${pair!.named!.rank.correlation}`);
  assert.equal(pair!.functions, ["segmentation"]);
});

test("runs of other weights are compared by name too, and it says so; of other shapes by function alone", async () => {
  using one = await madeRun();
  using trained = await madeRun({ hash: "fedcba9876543210" });
  using deeper = await madeRun({ layers: 3 });
  const { pairs, circuits } = await compareRuns([one, trained, deeper]);
  const between = (a: number, b: number) =>
    pairs.find((pair) => circuits[pair.a]!.run === a && circuits[pair.b]!.run === b);
  assert.is(between(0, 1)!.named!.sameWeights, false);
  assert.is(between(0, 1)!.named!.rank.correlation, 1);
  assert.is(between(0, 2)!.named, undefined);
  assert.equal(between(0, 2)!.functions, ["segmentation"]);
});

test("runs in two forms say which, and share heads by function: their names are places alone", async () => {
  using asked = await madeRun();
  using matched = await madeRun({ architecture: "blip-itm", hash: "fedcba9876543210" });
  const compared = await compareRuns([asked, matched]);
  assert.equal(
    compared.runs.map(({ form }) => form),
    ["question", "match"],
  );
  const [runs, , both] = comparisonTables(compared);
  assert.equal(
    runs!.rows.map((row) => row[runs!.columns.indexOf("form")]),
    ["question", "match"],
  );
  const cell = both!.rows[0]![both!.columns.indexOf("heads of the same function")];
  assert.is(cell, "segmentation L0H3 and L0H3");
  assert.is(both!.rows[0]![2], "L0H3 (by place)");
  using again = await madeRun();
  const [, , same] = comparisonTables(await compareRuns([asked, again]));
  assert.is(same!.rows[0]![2], "L0H3");
  assert.not(same!.caption.includes("By place"));
});

const DECODER_ONLY: Parameters<typeof madeRun>[0] = {
  architecture: "idefics3",
  site: "text.self.z",
  sites: ["text.self.z"],
  hash: "fedcba9876543210",
};

test("heads of different sites that look at the picture are compared by function and depth, not by name", async () => {
  using crossed = await madeRun();
  const outliers = { outlier_mass: 0.01, outlier_uniform: 0.1 };
  const looks = [
    { object_mass: 0.6, object_uniform: 0.2, auroc: 0.9, ...outliers },
    { object_mass: 0.1, object_uniform: 0.2, auroc: 0.4, ...outliers },
  ];
  using causal = await madeRun({ ...DECODER_ONLY, looks });
  const { circuits, pairs } = await compareRuns([crossed, causal]);
  const [pair, ...none] = pairs;
  assert.is(none.length, 0);
  assert.equal([circuits[pair!.a]!.site, circuits[pair!.b]!.site], ["text.cross.z", "text.self.z"]);
  assert.is(pair!.named, undefined);
  assert.equal(pair!.functions, ["segmentation"]);
  // Head 3 of twelve is L0H3 of both. On the first sample alone it segments, on both together too (AUROC 0.65), on the
  // second not.
  const head = { layer: 0, head: 3 };
  assert.equal(circuits[pair!.b]!.functions, {
    segmentation: { heads: [head], low: 0, high: 1 },
    "object inhibition": { heads: [], low: 0, high: 1 },
    "outlier inhibition": { heads: [head], low: 1, high: 1 },
  });
  const [, each] = comparisonTables({ runs: [], circuits, pairs });
  const said = each!.rows.map((row) => row.at(-1));
  assert.ok(
    said.includes("segmentation 1 [0, 1] L0H3; object inhibition 0 [0, 1] none; outlier inhibition 1 [1, 1] L0H3"),
  );
  assert.ok(circuits.every(({ depth }) => depth.length === 4));
});

test("heads of a site that does not look at the picture have no function", async () => {
  using one = await madeRun({ site: "text.self.z" });
  using other = await madeRun({ site: "text.self.z" });
  const { circuits, pairs } = await compareRuns([one, other]);
  assert.is(circuits[pairs[0]!.a]!.site, "text.self.z");
  assert.equal(circuits[pairs[0]!.a]!.functions, {});
});

test("one run, or runs about nothing that both have, cannot be compared", async () => {
  using one = await madeRun();
  using other = await madeRun({ dataset: "another" });
  await refused(() => compareRuns([one]), "options", /two or more runs; 1 was given/);
  await refused(
    () => compareRuns([one, other]),
    "options",
    /in common: .* has own \(image, text\.cross\.z\).*; .* has another \(image, text\.cross\.z\)/,
  );
});

test.run();
