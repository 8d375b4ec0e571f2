import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import type { Network } from "../../src/model/architecture.js";
import { readConfig } from "../../src/model/architectures.js";
import { type AttributeOptions, attributeAll } from "../../src/patching/attribute.js";
import { decodedAtOnce, pairsAtOnce, patchBytes, patchesAtOnce, slopeBytes } from "../../src/patching/budget.js";
import type { Mode } from "../../src/patching/pair.js";
import type { Site } from "../../src/patching/sites.js";
import { parseSite } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { currentBackend, useBackend } from "../../src/platform/backend.js";
import { CIRCUIT_SITES, siteOf } from "../support/blip-vqa.js";
import { SMOLVLM_256M } from "../support/hub-shapes.js";
import { peakBytes } from "../support/peak.js";
import { refused } from "../support/refused.js";

const SHAPE = { heads: 4, headDim: 8, visionLayers: 2, textLayers: 3, mlp: 64, grid: 6 };

test.before(async () => {
  await useBackend();
});

for (const site of ["text.cross.z", "text.self.z", "text.resid_post", "vision.self.z", "decoder.cross.z"] as Site[])
  test(`${site}: a sweep stays inside its budget, and uses it`, async () => {
    const random = seeded(5);
    const model = await randomModel(SHAPE, random);
    using pair = await randomPair(model, "image", 8, random);
    const bytes = patchBytes(model, siteOf(site), { tokens: 8 });
    const peak = (patches: number) => peakBytes(() => sweep(pair, { site, layers: [1], memory: patches * bytes }));
    const [few, many] = [await peak(1), await peak(4)];
    // What a sweep holds whatever its budget (the sums of both passes' layers) cancels in the difference.
    const perPatch = (many - few) / 3;
    assert.ok(perPatch <= bytes, `a patch takes ${perPatch}, ${bytes} were counted`);
    // Kernels of several ops hold less than the ops do, which are counted.
    const most = currentBackend() === "cpu" ? 8 : 10;
    assert.ok(perPatch >= bytes / most, `a patch takes ${perPatch}, ${bytes} were counted`);
  });

for (const [mode, sites, options] of [
  ["image", CIRCUIT_SITES, {}],
  ["image", ["vision.mlp.pre", "vision.resid_post", "vision.self.pattern"], {}],
  ["text", ["text.cross.k", "text.mlp.post"], { qkFix: true }],
  ["image", ["decoder.cross.z"], {}],
] as [Mode, readonly Site[], AttributeOptions][])
  test(`${mode}, ${sites.join(", ")}: an attribution stays inside its budget, and uses it`, async () => {
    const random = seeded(5);
    const model = await randomModel(SHAPE, random);
    using pair = await randomPair(model, mode, 8, random);
    const { each, fixed } = slopeBytes(pair, sites.map(siteOf));
    const peak = (slopes: number) =>
      peakBytes(() => attributeAll(pair, sites, { ...options, steps: 3, memory: fixed + slopes * each }));
    const [one, all] = [await peak(1), await peak(3)];
    assert.ok(all <= fixed + 3 * each, `${all} bytes, ${fixed + 3 * each} were allowed`);
    const perSlope = (all - one) / 2;
    assert.ok(perSlope <= each, `a pass takes ${perSlope}, ${each} were counted`);
    assert.ok(perSlope >= each / 8, `a pass takes ${perSlope}, ${each} were counted`);
  });

test("an attribution that does not fit is refused before anything is run, with the numbers", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random);
  using pair = await randomPair(model, "image", 8, random);
  await refused(
    () => attributeAll(pair, ["text.cross.z", "vision.self.z"], { memory: 1000 }),
    "memory",
    "text.cross.z, vision.self.z",
    "the budget is 1.00 kB",
    "fewer sites",
  );
});

test("a budget below one patch is refused before anything is run, with the numbers", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random);
  using pair = await randomPair(model, "image", 8, random);
  for (const screen of [undefined, 1])
    await refused(
      () => sweep(pair, { site: "text.cross.z", memory: 1000, screen }),
      "memory",
      "One patch of text.cross.z",
      "8 tokens",
      "the budget is 1.00 kB",
    );
});

/**
 * BLIP's base model (577 image tokens, 12 layers of 12 heads, 768 and 3072 wide, 30,524 words), without its weights.
 */
const BASE: Network = {
  ...readConfig('{"model_type": "blip", "text_config": {"num_attention_heads": 12}}', "config.json", () => {}),
  weights: {},
};

test("what a patch of BLIP's base model is counted as at ten tokens, by hand", () => {
  const bytes = (site: Site) => patchBytes(BASE, siteOf(site), { tokens: 10 });
  const row = 44 * 768 + 6 * 3072;
  const reading = 10 * row + 6 * 12 * 10 * 577 + 10 * 768 * (12 + 4);
  assert.is(bytes("text.cross.z"), 4 * reading);
  // One query over ten rows; the question's rows twice, or with their keys and values; four of the vocabulary.
  const answering = row + 6 * 12 * 10 + 4 * 30_524;
  assert.is(bytes("decoder.cross.z"), 4 * (answering + 2 * 10 * 768));
  assert.is(bytes("decoder.cross.k"), 4 * (answering + 12 * 10 * 768));
  const seeing = 577 * row + 6 * 12 * 577 * 577 + 577 * 768 * (12 + 24);
  assert.is(bytes("vision.self.z"), 4 * (seeing + reading));
});

test("what gradients towards sites of a small model are counted as, by hand", async () => {
  const random = seeded(5);
  const model = await randomModel(SHAPE, random); // 37 image tokens, 32 and 64 wide, 20 words
  const row = 44 * 32 + 6 * 64;
  const reading = 4 * (8 * row + 6 * 4 * 8 * 37) + 2 * 8 * 32 * 3;
  // W_1 three times, since the vocabulary is small.
  const turned = 3 * 32 * 64;
  using text = await randomPair(model, "text", 8, random);
  const z = 8 * 32;
  assert.equal(slopeBytes(text, [siteOf("text.cross.z")]), {
    each: 4 * (4 * z + reading),
    fixed: 4 * (3 * z + turned),
  });
  const image = 37 * 32 * (2 + 2 * 3);
  const seeing = 37 * row + 6 * 4 * 37 * 37;
  using both = await randomPair(model, "image", 8, random);
  assert.equal(slopeBytes(both, [siteOf("text.cross.z")]), {
    each: 4 * (2 * image + 4 * z + Math.max(seeing, reading)),
    fixed: 4 * (3 * z + turned),
  });
  const vision = 37 * 32;
  assert.equal(slopeBytes(both, [siteOf("vision.self.z"), siteOf("text.cross.z")]), {
    each: 4 * (2 * image + 4 * (vision + z) + 3 * seeing),
    fixed: 4 * (2 * vision + 3 * z + turned),
  });
});

const SMOLVLM: Network = {
  ...readConfig(JSON.stringify(SMOLVLM_256M), "config.json", () => {}),
  weights: {},
};

test("what a patch of SmolVLM-256M is counted as, by hand: the rows from its token on, and all tiles", async () => {
  const text = parseSite(SMOLVLM, "text.self.z");
  const row = 44 * 576 + 6 * 1536;
  // Ten rows and their keys and values, over 1,180 keys; four of the row that is read, and of the vocabulary.
  const fast = 10 * row + 6 * 9 * 10 * 1180 + 4 * 576 + 2 * 10 * 576 + 4 * 49_280;
  assert.is(patchBytes(SMOLVLM, text, { tokens: 1180, tiles: 17, from: 1170 }), 4 * fast);
  const whole = 1180 * row + 6 * 9 * 1180 * 1180 + 1180 * 576 * (30 + 4) + 2 * 1180 * 576 + 4 * 49_280;
  assert.is(patchBytes(SMOLVLM, text, { tokens: 1180, tiles: 17 }), 4 * whole);
  // Keys and values of both passes, 3 heads of 64 in 30 layers, lie beside them.
  const shared = 4 * 4 * 30 * 1180 * 192;
  const extent = { tokens: 1180, tiles: 17, from: 1170 };
  assert.is(patchesAtOnce(SMOLVLM, text, extent, shared + 3 * 4 * fast), 3);
  assert.is(patchesAtOnce(SMOLVLM, text, extent, shared + 3 * 4 * fast - 1), 2);
  assert.is(patchesAtOnce(SMOLVLM, text, extent, shared + 4 * fast), 1);
  const beside = "0.00477 GB at 1180 tokens and 17 tiles, and 0.109 GB are held beside it, and the budget is 0.114 GB";
  await refused(() => patchesAtOnce(SMOLVLM, text, extent, shared + 4 * fast - 1), "memory", beside);
  const seeing = (tiles: number) =>
    tiles * 1024 * (44 * 768 + 6 * 3072) + 6 * 12 * 1024 * 1024 + tiles * 1024 * 768 * 12;
  for (const [tiles, tokens] of [
    [1, 84],
    [17, 1180],
  ] as const) {
    const reading = tokens * row + 6 * 9 * tokens ** 2 + tokens * 576 * (30 + 4) + 2 * tokens * 576 + 4 * 49_280;
    const site = parseSite(SMOLVLM, "vision.self.z");
    assert.is(patchBytes(SMOLVLM, site, { tokens, tiles }), 4 * (seeing(tiles) + reading));
  }
});

test("a patch that does not fit because of its tiles says so", async () => {
  const site = parseSite(SMOLVLM, "vision.self.z");
  await refused(
    () => patchesAtOnce(SMOLVLM, site, { tokens: 1180, tiles: 17 }, 1e9),
    "memory",
    "at 1180 tokens and 17 tiles",
    "take the picture whole (split: false, --no-split)",
  );
});

test("how many patches, questions and pairs of it go together", () => {
  const site = siteOf("text.cross.z");
  const patch = patchBytes(BASE, site, { tokens: 10 }); // 4,242,240
  assert.is(patchesAtOnce(BASE, site, { tokens: 10 }, 100 * patch), 100);
  assert.is(patchesAtOnce(BASE, site, { tokens: 10 }, 100 * patch - 1), 99);
  assert.is(patchesAtOnce(BASE, site, { tokens: 10 }, patch), 1);
  // No more than 512 MiB where nobody says how much there is; less where loading left less.
  assert.is(patchesAtOnce(BASE, site, { tokens: 10 }), 126);
  assert.is(patchesAtOnce({ ...BASE, memory: 3 * patch }, site, { tokens: 10 }), 3);
  assert.is(patchesAtOnce({ ...BASE, memory: 2 ** 40 }, site, { tokens: 10 }), 126);
  // 761,600 bytes each in the decoder, at most four times as many as are read.
  assert.is(decodedAtOnce(BASE, "text", { read: 3, tokens: 10, memory: 10 * 761_600 }), 10);
  assert.is(decodedAtOnce(BASE, "text", { read: 3, tokens: 10, memory: 100 * 761_600 }), 12);
  // A pair's two passes: 2 x 8 x 768 x 13 x (10 + 2 x 577) x 4 bytes.
  const pair = 8 * 92_971_008;
  assert.is(pairsAtOnce(BASE, site, { tokens: 10, places: 100, memory: 2 * pair }), 2);
  assert.is(pairsAtOnce(BASE, site, { tokens: 10, places: 100, memory: 3 * pair - 1 }), 2);
  assert.is(
    pairsAtOnce(BASE, site, { tokens: 10, places: 175, memory: 2 * pair }),
    2,
    "350 patches, two pairs' places",
  );
  assert.is(pairsAtOnce(BASE, site, { tokens: 10, places: 176, memory: 2 * pair }), 1);
  assert.is(pairsAtOnce(BASE, site, { tokens: 10, places: 0, memory: pair }), 1);
});

test.run();
