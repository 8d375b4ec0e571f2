import { test } from "uvu";
import * as assert from "uvu/assert";
import { findCircuit } from "../../src/patching/circuits.js";
import { faithfulness, faithfulnessCurve } from "../../src/patching/faithful.js";
import { everyHead } from "../../src/patching/head-effects.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { NARROW, samplePair } from "../support/samples.js";

test("heads that were not patched count in the mean over heads, and are in no circuit", () => {
  const scores = (sample: number) => [
    [1 + 0.01 * sample, 0.02, -0.03, 0.9],
    [0.01, 0.04, 0.02, 0.03],
  ];
  const samples = Array.from({ length: 12 }, (_, sample) => scores(sample));
  const patched = [
    [true, true, false, false],
    [true, false, false, false],
  ];
  const { heads, threshold, layerShare } = findCircuit(samples, { patched, resamples: 200 });
  assert.equal(
    heads.map(({ layer, head }) => [layer, head]),
    [
      [0, 0],
      [0, 1],
      [1, 0],
    ],
  );
  const sizes = [1.055, 0.02, 0.03, 0.9, 0.01, 0.04, 0.02, 0.03];
  const mean = sizes.reduce((sum, size) => sum + size) / 8;
  const deviation = Math.sqrt(sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / 8);
  assert.ok(Math.abs(threshold - (mean + 2 * deviation)) < 1e-12);
  assert.ok(Math.abs(layerShare[0]! - 2.005 / 2.105) < 1e-12);
  // Of the two outstanding heads only the patched one may be found; the other is a hypothesis all the same.
  assert.equal(
    heads.map(({ inControlled }) => inControlled),
    [true, false, false],
  );
  const all = findCircuit(samples, { resamples: 200 });
  assert.is(all.heads.filter(({ inControlled }) => inControlled).length, 2);
});

test("faithfulness among the heads of one site: all others compute on what reaches them", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "text");
  const sites = ["text.self.z"] as const;
  const heads = everyHead(pair, sites);
  const layers = [...new Set(heads.map(({ layer }) => layer))];
  const site = sites[0];
  const all = layers.map((layer) => ({ site, layer }));
  const lost = (await patch(pair, all, { direction: "noise" })).effect!;
  const curve = await faithfulnessCurve(pair, [], { sites, sizes: [1] });
  assert.equal(curve.sizes, [0, 1, heads.length]);
  assert.ok(Math.abs(curve.kept[0]! - (1 - lost)) < 1e-4);
  assert.ok(Math.abs(curve.kept.at(-1)! - 1) < 1e-4);
  const none = await faithfulness(pair, [], { sites, randomSets: 1 });
  assert.equal([none.of, none.size], [heads.length, 0]);
  assert.ok(Math.abs(none.kept - (1 - lost)) < 1e-4 && Math.abs(none.removed - 1) < 1e-4);
});

test.run();
