import { test } from "uvu";
import * as assert from "uvu/assert";
import { attribute } from "../../src/patching/attribute.js";
import { headEffects } from "../../src/patching/head-effects.js";
import { patch } from "../../src/patching/patch.js";
import { auroc } from "../support/auroc.js";
import { CIRCUITS, type CircuitName, PLANTED_CLASSES, plantIn } from "../support/planted.js";

// The circuits of planted.test.ts in the models that match, that write captions, and that have the picture among words.

const OTHERS = PLANTED_CLASSES.filter((name) => name !== "BlipForQuestionAnswering");
const NAMES = Object.keys(CIRCUITS) as CircuitName[];
/** In these, one head alone restores more or less than all of the answer. */
const PARTS: readonly CircuitName[] = ["negative", "cancelling", "twins"];

for (const className of OTHERS)
  for (const name of NAMES) {
    test(`${className}, ${name}: each planted head restores all of the answer, every other head nothing`, async () => {
      using planted = await plantIn(className, name);
      const { pair, heads, all } = planted;
      assert.is(all.filter(({ positive }) => positive).length, heads.length);
      for (const { positive, ...place } of all) {
        const { effect } = await patch(pair, [place]);
        const what = `${place.site} L${place.layer}H${place.head}: ${effect}`;
        if (positive && PARTS.includes(name)) assert.ok(Math.abs(effect!) > 0.25, what);
        else assert.ok(Math.abs(effect! - (positive ? 1 : 0)) <= 1e-4, what);
      }
    });

    test(`${className}, ${name}: among heads that write noise, exact patching tells the planted ones apart`, async () => {
      using planted = await plantIn(className, name, 0.1, 2);
      const { pair, all } = planted;
      const found = await headEffects(pair);
      assert.is(auroc(all.map(({ positive }, at) => ({ positive, score: Math.abs(found[at]!.effect!) }))), 1);
    });
  }

test("where the question tells where to look, another question loses as much as another picture", async () => {
  for (const className of PLANTED_CLASSES) {
    using planted = await plantIn(className, "asked", 0.1);
    using other = await planted.makePair(1, "text");
    const { clean, corrupted } = other.readings;
    assert.ok(clean.logitDiff > 1 && corrupted.logitDiff < -1, className);
    for (const place of planted.heads) {
      const { effect } = await patch(other, [place]);
      assert.ok(Math.abs(effect! - 1) <= 1e-2, `${className}: ${effect}`);
    }
  }
});

test("attribution finds a single planted head of both", async () => {
  for (const className of ["BlipForImageTextRetrieval", "BlipForConditionalGeneration"] as const) {
    using planted = await plantIn(className, "single", 0.1);
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
