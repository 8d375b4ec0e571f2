import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { everyHead } from "../../src/patching/head-effects.js";
import { patchBatch } from "../../src/patching/patch.js";
import { resolveSelection, type Spot } from "../../src/patching/selection.js";
import { fromRun } from "../../src/patching/sources.js";
import { useBackend } from "../../src/platform/backend.js";

test.before(async () => {
  await useBackend();
});

const SHAPE = { heads: 2, headDim: 6, visionLayers: 2, textLayers: 3, mlp: 11, grid: 2 };

for (const mode of ["image", "text"] as const)
  test(`${mode}: passes that share their first layers say what passes of their own say`, async () => {
    const random = seeded(7);
    using pair = await randomPair(await randomModel(SHAPE, random), mode, 4, random);
    const among = everyHead(pair).filter(({ site }) => mode === "image" || !site.startsWith("vision"));
    const spots = (sets: readonly (readonly number[])[]) =>
      sets.map((set) => set.map((at): Spot => resolveSelection(pair, among[at]!)));
    const last = among.length - 1;
    const all = among.map((_, at) => at);
    const batches = [
      // Alike at first, then not; one twice; one without any.
      [[0, 1, last], [0, 1, last - 1], [0, 1, last], [0, 2], []],
      // A whole site in every pass: nothing of it is computed.
      [all, all.slice(0, -1), all.slice(0, -3)],
      [[last], [last - 1]],
      [all],
    ];
    const { source } = pair.sides("noise");
    for (const batch of batches.map(spots)) {
      const before = tf.memory().numTensors;
      const found = await patchBatch(pair, batch, { direction: "noise" });
      const own = await patchBatch(pair, batch, { direction: "noise", source: fromRun(source) });
      assert.is(found.length, batch.length);
      for (const [row, { logitDiff }] of found.entries())
        assert.ok(Math.abs(logitDiff - own[row]!.logitDiff) <= 1e-6, `${row}: ${logitDiff}, ${own[row]!.logitDiff}`);
      assert.is(tf.memory().numTensors, before);
    }
  });

test("a whole layer of the stream in every pass", async () => {
  const random = seeded(8);
  using pair = await randomPair(await randomModel(SHAPE, random), "text", 4, random);
  const [{ site, layer, head }] = everyHead(pair).filter(({ site }) => site === "text.self.z") as [
    { site: "text.self.z"; layer: number; head: number },
  ];
  const batch = [
    [resolveSelection(pair, { site, layer, head }), resolveSelection(pair, { site: "text.resid_mid", layer: 1 })],
    [resolveSelection(pair, { site: "text.resid_mid", layer: 1 })],
  ];
  const { source } = pair.sides("denoise");
  const found = await patchBatch(pair, batch, { direction: "denoise" });
  const own = await patchBatch(pair, batch, { direction: "denoise", source: fromRun(source) });
  for (const [row, { logitDiff, effect }] of found.entries()) {
    assert.ok(Math.abs(logitDiff - own[row]!.logitDiff) <= 1e-6, `${row}: ${logitDiff}, ${own[row]!.logitDiff}`);
    assert.ok(Math.abs(effect!) > 0.01, `${row} changes nothing: ${effect}`);
  }
});

test.run();
