import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { disposeWeights } from "../../src/checkpoint/weights.js";
import { patchBytes } from "../../src/patching/budget.js";
import { METRICS } from "../../src/patching/metrics.js";
import { patch } from "../../src/patching/patch.js";
import { changesOneRow } from "../../src/patching/rows.js";
import { type Selection, tokenCount } from "../../src/patching/selection.js";
import { SITES } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { useBackend } from "../../src/platform/backend.js";
import { siteOf } from "../support/blip-vqa.js";

test.before(async () => {
  await useBackend();
});

const SHAPES = 12; // 3 thirds of the sites x 2 modes x 2 directions

for (let seed = 1; seed <= SHAPES; seed++)
  test(`random shape ${seed}: a sweep equals patching place by place`, async () => {
    const random = seeded(seed);
    const pick = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
    const shape = {
      heads: pick(1, 4),
      headDim: pick(4, 9),
      visionLayers: pick(1, 2),
      textLayers: pick(1, 3),
      mlp: pick(5, 40),
      grid: pick(1, 3),
    };
    const model = await randomModel(shape, random);
    using pair = await randomPair(model, seed % 2 ? "image" : "text", pick(3, 8), random);
    const direction = seed <= SHAPES / 2 ? "denoise" : "noise";
    // Float32 rounds a logit in proportion to its size, and the quotient `effect` by as much more as its denominator is
    // small.
    const largest = Math.max(
      1,
      ...[pair.clean, pair.corrupted].map(({ logits }) => Math.max(...logits.dataSync().map(Math.abs))),
    );
    const way = Math.abs(pair.readings.clean.logitDiff - pair.readings.corrupted.logitDiff);
    const scale = { prob: 1, probDiff: 1, logitDiff: largest, effect: Math.max(1, largest / way) };
    // Each shape takes a third of the sites: each site has every mode and direction once.
    let moved = 0;
    for (const site of SITES.filter((_, i) => i % 3 === seed % 3)) {
      const parts = siteOf(site);
      const memory = pick(1, 9) * patchBytes(model, parts, { tokens: pair.question.tokens.length });
      const all = range(tokenCount(pair, parts));
      // Elsewhere than in the fast way two positions are enough, each by itself or both at once.
      const positions = changesOneRow(model, parts) ? all : all.slice(pick(0, all.length - 1)).slice(0, 2);
      const together = !changesOneRow(model, parts) && random() < 0.5;
      const scores = await sweep(pair, { site, direction, memory, position: positions, together });
      const [layers, heads] = scores.facts.shape as [number, number];
      const seen = new Set<string>();
      for (let i = 0; i < 6; i++) {
        const layer = pick(0, layers - 1);
        const head = parts.perHead ? pick(0, heads - 1) : undefined;
        const position = together ? positions : positions[pick(0, positions.length - 1)]!;
        const index = [layer, ...(head === undefined ? [] : [head]), ...(together ? [] : [position as number])];
        if (seen.has(`${index}`)) continue;
        seen.add(`${index}`);
        const alone = await patch(pair, [{ site, layer, head, position } as Selection], { direction });
        if (Math.abs(alone.logitDiff) > 1e-3) moved++;
        for (const metric of METRICS) {
          const [one, other] = [scores.at(metric, ...index), alone[metric]];
          assert.is(one === null, other === null);
          const off = Math.abs((one ?? 0) - (other ?? 0));
          assert.ok(
            off <= 1e-5 * scale[metric],
            `${JSON.stringify(shape)} ${site} [${index}] ${metric}: ${one} and ${other}`,
          );
        }
      }
    }
    assert.ok(moved >= 5, `only ${moved} of the patches matter`);
    disposeWeights(model.weights);
  });

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

test.run();
