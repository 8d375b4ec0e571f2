import { test } from "uvu";
import * as assert from "uvu/assert";
import { useBackend } from "../../src/backend.js";
import { disposeWeights } from "../../src/model/weights.js";
import { patchBytes } from "../../src/patching/budget.js";
import { METRICS } from "../../src/patching/metrics.js";
import { patch } from "../../src/patching/patch.js";
import { changesOneRow } from "../../src/patching/rows.js";
import { parseSite, SITES } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { randomModel, randomPair, seeded } from "../support/random-model.js";

test.before(async () => {
  await useBackend();
});

const SHAPES = 12; // 3 thirds of the sites x 2 modes x 2 directions
const ROW_SITES = SITES.filter((site) => changesOneRow(parseSite(site)));

for (let seed = 1; seed <= SHAPES; seed++)
  test(`random shape ${seed}: a sweep equals patching place by place`, async () => {
    const random = seeded(seed);
    const pick = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
    const shape = {
      heads: pick(1, 4),
      headDim: pick(4, 9),
      visionLayers: pick(1, 2),
      textLayers: pick(1, 4),
      mlp: pick(5, 40),
      grid: pick(1, 3),
    };
    const model = await randomModel(shape, random);
    using pair = await randomPair(model, seed % 2 ? "image" : "text", pick(3, 8), random);
    const direction = seed <= SHAPES / 2 ? "denoise" : "noise";
    // Each shape takes a third of the sites: each site has every mode and direction once.
    for (const site of ROW_SITES.filter((_, i) => i % 3 === seed % 3)) {
      const memory = pick(1, 9) * patchBytes(model, parseSite(site), pair.question.tokens.length);
      const scores = await sweep(pair, { site, direction, memory });
      for (let i = 0; i < 6; i++) {
        const index = scores.facts.shape.map((size) => pick(0, size - 1));
        const [layer, head] = index as [number, number];
        const perHead = parseSite(site).perHead;
        const selection = { site, layer, head: perHead ? head : undefined, position: index.at(-1)! };
        const alone = await patch(pair, [selection], { direction });
        for (const metric of METRICS) {
          const [one, other] = [scores.at(metric, ...index), alone[metric]];
          // An effect is a quotient: as much more uncertain as its denominator is small.
          const scale =
            metric === "effect"
              ? Math.max(1, Math.abs(alone.effect ?? 0), Math.abs((alone.effect ?? 0) / (alone.logitDiff || 1)))
              : 1;
          const off = Math.abs((one ?? 0) - (other ?? 0));
          assert.ok(off <= 1e-5 * scale, `${JSON.stringify(shape)} ${site} [${index}] ${metric}: ${one} and ${other}`);
        }
      }
    }
    disposeWeights(model.weights);
  });

test.run();
