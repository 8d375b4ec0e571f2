import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { indexesOf } from "../../src/patching/agreement.js";
import { type AttributeOptions, attribute, attributeAll } from "../../src/patching/attribute.js";
import { slopeBytes } from "../../src/patching/budget.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import type { Selection } from "../../src/patching/selection.js";
import { SITES, type Site } from "../../src/patching/sites.js";
import { effectsOfKeys } from "../../src/patching/softmax.js";
import { between, fromRun, type Source } from "../../src/patching/sources.js";
import { sweep } from "../../src/patching/sweep.js";
import { auroc } from "../support/auroc.js";
import { CIRCUIT_SITES, siteOf, TOWERS } from "../support/blip-vqa.js";
import { type CircuitName, type Planted, plant } from "../support/planted.js";
import { refused } from "../support/refused.js";
import { NARROW, samplePair } from "../support/samples.js";

/** |effect| of every head of a planted model. */
async function scored({ pair, all }: Planted, options: AttributeOptions = {}) {
  const tables = await attributeAll(pair, CIRCUIT_SITES, { together: true, ...options });
  return all.map(({ site, layer, head, positive }) => ({
    positive,
    score: Math.abs(tables[CIRCUIT_SITES.indexOf(site)]!.at("effect", layer, head)!),
  }));
}

for (const name of ["single", "sequence", "negative", "selfAfterCross", "vision"] satisfies CircuitName[])
  test(`${name}: plain attribution tells planted heads apart`, async () => {
    for (const seed of [1, 2]) {
      using planted = await plant(name, 0.1, seed);
      const found = auroc(await scored(planted));
      assert.ok(found >= 0.95, `seed ${seed}: ${found}`);
    }
  });

test("saturated: the plain form misses the head before the steep softmax, integrated gradients find it", async () => {
  using planted = await plant("saturated", 0.1, 1);
  const [missed] = planted.heads;
  assert.ok((await patch(planted.pair, [missed!])).effect! > 0.9);
  const plain = await scored(planted);
  const of = (scores: typeof plain) =>
    scores[
      planted.all.findIndex(
        ({ site, layer, head }) => `${site}${layer}${head}` === `${missed!.site}${missed!.layer}${missed!.head}`,
      )
    ]!.score;
  assert.ok(of(plain) < 0.02, `plain: ${of(plain)}`);
  assert.ok(auroc(plain) < 0.95, `plain: ${auroc(plain)}`);
  const integrated = await scored(planted, { steps: 10 });
  assert.ok(of(integrated) > 0.5, `integrated: ${of(integrated)}`);
  assert.is(auroc(integrated), 1);
});

test("cancelling: the plain form misses the head whose paths cancel, GradDrop finds it", async () => {
  using planted = await plant("cancelling");
  const { pair, heads } = planted;
  const { site, layer, head } = heads[0]!;
  assert.ok((await patch(pair, [heads[0]!])).effect! > 0.9);
  const effect = async (gradDrop: boolean) =>
    (await attribute(pair, { site, together: true, gradDrop })).at("effect", layer, head)!;
  assert.ok(Math.abs(await effect(false)) < 1e-4, `plain: ${await effect(false)}`);
  assert.ok((await effect(true)) > 0.2, `GradDrop: ${await effect(true)}`);
  using noisy = await plant("cancelling", 0.1, 1);
  assert.is(auroc(await scored(noisy, { gradDrop: true })), 1);
});

test("saturated: the plain form misses the query, the exact softmax finds it", async () => {
  using planted = await plant("saturated", 0, 1);
  const { pair, heads } = planted;
  const { layer, head } = heads[1]!;
  const site = "text.cross.q";
  assert.ok(Math.abs((await patch(pair, [{ site, layer, head }])).effect! - 1) < 1e-3);
  const effect = async (qkFix: boolean) =>
    (await attribute(pair, { site, together: true, qkFix })).at("effect", layer, head)!;
  assert.ok(Math.abs(await effect(false)) < 1e-3);
  assert.ok((await effect(true)) > 0.6);
});

test("the effect of one changed score on a softmax, where it is flat and where it is steep", async () => {
  const random = seeded(4);
  const [heads, queries, keys] = [2, 3, 5];
  const numbers = (scale: number) => Array.from({ length: heads * queries * keys }, () => scale * (random() - 0.5));
  for (const scale of [1, 60]) {
    const [scores, changed, gradient] = [numbers(scale), numbers(scale), numbers(2)];
    const cube = (values: number[]) => tf.tensor3d(values, [heads, queries, keys]);
    const found = tf.tidy(() => effectsOfKeys(cube(scores), cube(changed), cube(gradient)).dataSync());
    for (const [at, one] of changed.entries()) {
      const row = at - (at % keys);
      const value = (own: number[]) => {
        const weights = own.map((score) => Math.exp(score - Math.max(...own)));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return weights.reduce((sum, weight, i) => sum + (weight / total) * gradient[row + i]!, 0);
      };
      const before = scores.slice(row, row + keys);
      const expected = value(before.with(at - row, one)) - value(before);
      assert.ok(Math.abs(found[at]! - expected) <= 1e-5, `${scale}: ${found[at]} and ${expected}`);
    }
  }
});

test("an attribution is the slope of the patch: a small share of it does that share of the attribution", async () => {
  const random = seeded(8);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 2, textLayers: 2, mlp: 11, grid: 2 }, random);
  for (const [mode, direction] of [
    ["image", "denoise"],
    ["text", "noise"],
  ] as const) {
    using pair = await randomPair(model, mode, 4, random);
    const { base, source } = pair.sides(direction);
    const small = between(fromRun(base), fromRun(source), 0.02);
    const back = between(fromRun(base), fromRun(source), -0.02);
    for (const site of ["text.cross.z", "text.self.pattern", "decoder.mlp.post", "text.resid_post"] as Site[]) {
      const table = await attribute(pair, { site, direction, layers: [0] });
      const index = site === "text.cross.z" ? [0, 1, 2] : site === "text.self.pattern" ? [0, 1, 2] : [0, 0];
      const selection = {
        site,
        layer: 0,
        position: index.at(-1)!,
        head: index.length === 3 ? 1 : undefined,
      } as Selection;
      const [up, down] = [
        await patch(pair, [selection], { direction, source: small }),
        await patch(pair, [selection], { direction, source: back }),
      ];
      const slope = (up.logitDiff - down.logitDiff) / 0.04;
      const found = table.at("logitDiff", ...index)!;
      assert.ok(Math.abs(found - slope) <= 2e-2 * Math.abs(slope) + 1e-4, `${mode} ${site}: ${found} and ${slope}`);
    }
  }
});

test("GradDrop: the mean size of the slopes with what one layer writes held fast, for every layer", async () => {
  const random = seeded(9);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 2, textLayers: 2, mlp: 11, grid: 2 }, random);
  using pair = await randomPair(model, "image", 4, random);
  const { base, source } = pair.sides("denoise");
  const slope = async (selection: Selection, held: readonly Selection[]) => {
    const at = (share: number): Source => {
      const [mixed, own] = [between(fromRun(base), fromRun(source), share), fromRun(base)];
      return (site, ...rest) => (site.within.endsWith(".out") ? own : mixed)(site, ...rest);
    };
    const [up, down] = [
      await patch(pair, [selection, ...held], { source: at(0.01) }),
      await patch(pair, [selection, ...held], { source: at(-0.01) }),
    ];
    return (up.logitDiff - down.logitDiff) / 0.02;
  };
  const written = TOWERS.flatMap((tower) =>
    [0, 1].map((layer) =>
      SITES.filter((site) => site.startsWith(tower) && site.endsWith(".out")).map((site) => ({ site, layer })),
    ),
  );
  let apart = 0;
  for (const [site, layer, head] of [
    ["vision.self.z", 0, 1],
    ["text.self.z", 0, 0],
    ["text.resid_mid", 0, undefined],
    ["decoder.cross.z", 0, 1],
  ] as [Site, number, number | undefined][]) {
    const table = await attribute(pair, { site, together: true, gradDrop: true });
    const index = head === undefined ? [layer] : [layer, head];
    const slopes: number[] = [];
    for (const held of written) slopes.push(await slope({ site, layer, head } as Selection, held));
    const expected = slopes.reduce((sum, one) => sum + Math.abs(one), 0) / (written.length - 1);
    const found = table.at("logitDiff", ...index)!;
    assert.ok(Math.abs(found - expected) <= 2e-2 * expected + 1e-4, `${site}: ${found} and ${expected}`);
    const plain = Math.abs(await slope({ site, layer, head } as Selection, []));
    if (Math.abs(found - plain) > 0.1 * plain) apart++;
  }
  assert.ok(apart >= 2, `only ${apart} differ from the plain form`);
});

test("passes that go together and passes one by one say the same", async () => {
  const random = seeded(6);
  const model = await randomModel({ heads: 3, headDim: 6, visionLayers: 2, textLayers: 2, mlp: 11, grid: 3 }, random);
  const sites: Site[] = ["vision.self.z", "text.self.z", "text.cross.k", "text.cross.q", "decoder.cross.z"];
  for (const [mode, several] of [
    ["image", [{ steps: 3 }, { steps: 2, gradDrop: true }]],
    ["text", [{ steps: 3 }, { gradDrop: true, qkFix: true }]],
  ] as ["image" | "text", AttributeOptions[]][]) {
    using pair = await randomPair(model, mode, 5, random);
    const { each, fixed } = slopeBytes(pair, sites.map(siteOf));
    for (const options of several) {
      const [one, all] = [
        await attributeAll(pair, sites, { ...options, memory: fixed + each }),
        await attributeAll(pair, sites, options),
      ];
      for (const [i, site] of sites.entries())
        for (const index of indexesOf(one[i]!.facts.shape)) {
          const [expected, found] = [one, all].map((tables) => tables[i]!.at("logitDiff", ...index)!) as [
            number,
            number,
          ];
          const off = Math.abs(found - expected);
          assert.ok(off <= 1e-5 * Math.max(1, Math.abs(expected)), `${mode} ${site} ${index}: ${off}`);
        }
    }
  }
});

test("a table in sweep's contract, with as much in it, and nothing left behind", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  for (const options of [
    { site: "text.cross.z", layers: [1], heads: [0, 2], position: "answer" },
    { site: "vision.self.z" },
    { site: "text.resid_post", direction: "noise" },
  ] as const) {
    const [found, exact] = [await attribute(pair, { ...options, steps: 2 }), await sweep(pair, options)];
    assert.equal(found.facts, exact.facts);
    const known = (scores: typeof found) =>
      JSON.stringify(scores.table("logitDiff")).replace(/-?[\d.]+(e-?\d+)?/g, "0");
    assert.is(known(found), known(exact));
    assert.ok(JSON.stringify(found.table("prob")).replace(/null|[[\],]/g, "") === "");
  }
  await attributeAll(pair, ["text.cross.q", "text.cross.k", "text.cross.pattern"], { qkFix: true });
  assert.is(tf.memory().numTensors, before);
});

test("screening: gradients choose, exact patching confirms", async () => {
  using planted = await plant("selfAfterCross", 0.1);
  const { pair, heads } = planted;
  const options = { site: "text.cross.z", together: true } as const;
  const [screened, exact] = [await sweep(pair, { ...options, screen: 2 }), await sweep(pair, options)];
  const tables = [screened, exact].map((scores) => (scores.table("effect") as (number | null)[][]).flat());
  assert.is(tables[0]!.filter((effect) => effect !== null).length, 2);
  const { layer, head } = heads[0]!;
  const [found, expected] = [screened, exact].map((scores) => scores.at("effect", layer, head)!) as [number, number];
  assert.ok(Math.abs(found - expected) <= 1e-5, `${found} and ${expected}`);
});

test("steps and screens that are no numbers of passes or places", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  for (const steps of [-1, 0.5, Number.NaN])
    await refused(() => attribute(pair, { site: "text.cross.z", steps }), "options", `steps is ${steps}`);
  for (const screen of [0, 1.5])
    await refused(() => sweep(pair, { site: "text.cross.z", screen }), "options", `screen is ${screen}`);
});

test.run();
