import { test } from "uvu";
import * as assert from "uvu/assert";
import { attribute } from "../../src/patching/attribute.js";
import { patch } from "../../src/patching/patch.js";
import { circuitSites } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { auroc } from "../support/auroc.js";
import { type CircuitName, plantInFamily } from "../support/planted.js";

// The circuits of planted.test.ts in the models that match and that write captions.

/** In a causal tower the second head of `selfAfterCross` moves what earlier tokens say; all of them say the same. */
const NAMES: CircuitName[] = ["single", "sequence", "selfAfterCross", "vision"];

for (const className of ["BlipForImageTextRetrieval", "BlipForConditionalGeneration"] as const)
  for (const name of NAMES) {
    test(`${className}, ${name}: each planted head restores all of the answer, every other head nothing`, async () => {
      using planted = await plantInFamily(className, name);
      const { pair, heads, all } = planted;
      assert.is(all.filter(({ positive }) => positive).length, heads.length);
      for (const { positive, ...place } of all) {
        const { effect } = await patch(pair, [place]);
        const what = `${place.site} L${place.layer}H${place.head}: ${effect}`;
        assert.ok(Math.abs(effect! - (positive ? 1 : 0)) <= 1e-4, what);
      }
    });

    test(`${className}, ${name}: among heads that write noise, exact patching tells the planted ones apart`, async () => {
      for (const seed of [1, 2]) {
        using planted = await plantInFamily(className, name, 0.1, seed);
        const { pair, all } = planted;
        const found = new Map<string, (layer: number, head: number) => number>();
        for (const site of circuitSites(pair.model.architecture)) {
          const scores = await sweep(pair, { site, together: true });
          found.set(site, (layer, head) => Math.abs(scores.at("effect", layer, head)!));
        }
        const scored = all.map(({ site, layer, head, positive }) => ({
          positive,
          score: found.get(site)!(layer, head),
        }));
        assert.is(auroc(scored), 1, `seed ${seed}`);
      }
    });
  }

test("attribution finds a single planted head of both", async () => {
  for (const className of ["BlipForImageTextRetrieval", "BlipForConditionalGeneration"] as const) {
    using planted = await plantInFamily(className, "single", 0.1);
    const { pair, heads, all } = planted;
    const { site } = heads[0]!;
    const scores = await attribute(pair, { site, together: true, steps: 8 });
    const scored = all
      .filter((place) => place.site === site)
      .map(({ layer, head, positive }) => ({ positive, score: Math.abs(scores.at("effect", layer, head)!) }));
    assert.is(auroc(scored), 1);
  }
});

test.run();
