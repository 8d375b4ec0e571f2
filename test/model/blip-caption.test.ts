import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { disposeWeights } from "../../src/checkpoint/weights.js";
import { blipCaption } from "../../src/model/blip-caption.js";
import { forward } from "../../src/model/pass.js";
import { atOnce } from "../../src/model/steps.js";
import { METRICS } from "../../src/patching/metrics.js";
import { patch } from "../../src/patching/patch.js";
import { changesOneRow } from "../../src/patching/rows.js";
import type { Selection } from "../../src/patching/selection.js";
import { circuitSites, parseSite, sitesOf } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { answersOf, networkPair, randomNetwork, smallConfig } from "../support/family.js";
import { difference } from "../support/fixture.js";

// That captioning is one file, and that a causal tower is swept in its own way.

const CONFIG = smallConfig("BlipForConditionalGeneration");
const PROMPT = [1, 9, 4, 11, 5];

test("its sites are those of two towers, and its circuits are of three attentions", () => {
  assert.is(sitesOf(blipCaption).length, 12 + 19);
  assert.equal(circuitSites(blipCaption), ["vision.self.z", "decoder.self.z", "decoder.cross.z"]);
});

test("a token hears only of those before it", async () => {
  const model = await randomNetwork(CONFIG, 2);
  const pixels = tf.randomNormal([1, 8, 8, 3], 0, 1, "float32", 3);
  const stream = (ids: number[]) =>
    atOnce(forward(model, { pixels, ids: tf.tensor2d([ids], undefined, "int32") })).streams.decoder!.at(-1)!;
  const rows = (x: tf.Tensor, from: number, count: number) => tf.slice(x, [0, from, 0], [1, count, -1]);
  const [one, other] = [stream(PROMPT), stream(PROMPT.with(3, 12))];
  assert.ok(difference(rows(one, 0, 3), rows(other, 0, 3)) < 1e-6);
  assert.ok(difference(rows(one, 3, 2), rows(other, 3, 2)) > 0.01);
  disposeWeights(model.weights);
});

for (const mode of ["image", "text"] as const)
  for (const direction of ["denoise", "noise"] as const)
    test(`${mode}, ${direction}: the sweep of a causal tower equals patching place by place`, async () => {
      const model = await randomNetwork(CONFIG, 2);
      const corruptIds = mode === "text" ? PROMPT.with(2, 7) : undefined;
      using pair = await networkPair(model, { ids: PROMPT, corruptIds, answers: answersOf(4, 5) });
      let [moved, compared] = [0, 0];
      const { numTensors } = tf.memory();
      const swept = sitesOf(blipCaption).filter((site) => changesOneRow(model, parseSite(model, site)));
      assert.is(swept.length, 17);
      // Each site has two of the four.
      const left = (mode === "image" ? 0 : 2) + (direction === "noise" ? 1 : 0);
      for (const site of swept.filter((_, i) => i % 4 === left || i % 4 === (left + 1) % 4)) {
        const parts = parseSite(model, site);
        const scores = await sweep(pair, { site, direction, memory: 1e5 * (1 + (compared % 3)) });
        const [layers, second] = scores.facts.shape as [number, number];
        for (let layer = 0; layer < layers; layer++)
          for (let position = 0; position < PROMPT.length; position++) {
            const head = parts.perHead ? (layer + position) % second : undefined;
            const alone = await patch(pair, [{ site, layer, head, position } as Selection], { direction });
            const index = [layer, ...(head === undefined ? [] : [head]), position];
            if (Math.abs(alone.logitDiff) > 1e-3) moved++;
            for (const metric of METRICS) {
              const off = Math.abs((scores.at(metric, ...index) ?? 0) - (alone[metric] ?? 0));
              assert.ok(off <= 2e-5, `${site} [${index}] ${metric} is off by ${off}`);
            }
            compared++;
          }
      }
      assert.is(tf.memory().numTensors, numTensors);
      assert.ok(moved > compared / 8, `only ${moved} of ${compared} patches matter`);
      disposeWeights(model.weights);
    });

test.run();
