import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { attributeAll } from "../../src/patching/attribute.js";
import { type PassOptions, patchBytes, slopeBytes } from "../../src/patching/budget.js";
import { faithfulness, faithfulnessCurve } from "../../src/patching/faithful.js";
import { everyHead, headEffects, rankHeads } from "../../src/patching/head-effects.js";
import type { HeadAt } from "../../src/patching/head-place.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { useBackend } from "../../src/platform/backend.js";
import { siteOf } from "../support/blip-vqa.js";
import { plant } from "../support/planted.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, NARROW, samplePair } from "../support/samples.js";

const near = (found: number, expected: number, what: string, tolerance = 1e-4) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${what}: ${found} where ${expected} was expected`);

test.before(async () => {
  await useBackend();
});

test("to keep all heads is the clean answer, to keep none the corrupted one, whichever modality is corrupted", async () => {
  const random = seeded(2);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 2, textLayers: 2, mlp: 11, grid: 2 }, random);
  for (const mode of ["image", "text"] as const) {
    using pair = await randomPair(model, mode, 4, random);
    const all = everyHead(pair);
    assert.is(all.length, 2 * 2 + 4 * 2 * 2);
    const { kept, removed, size, of, random: control } = await faithfulness(pair, all, { randomSets: 3 });
    near(kept, 1, `${mode}: all kept`);
    near(removed, 0, `${mode}: all removed`);
    assert.equal([size, of], [all.length, all.length]);
    assert.is(control.pValue, 1);
    const none = await faithfulness(pair, [], { randomSets: 3 });
    near(none.kept, 0, `${mode}: none kept`);
    near(none.removed, 1, `${mode}: none removed`);
    assert.is(none.random.pValue, 1);
    assert.is((await faithfulness(pair, [], { randomSets: 0 })).random.pValue, null);
  }
});

test("a set is kept as patching all others by hand keeps it", async () => {
  const random = seeded(3);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 1, textLayers: 2, mlp: 11, grid: 2 }, random);
  using pair = await randomPair(model, "image", 4, random);
  const all = everyHead(pair);
  const set = all.filter((_, i) => i % 3 !== 0);
  const [kept, without] = [set, set.slice(1)].map((members) => all.filter((head) => !members.includes(head)));
  const effect = async (heads: typeof all) => 1 - (await patch(pair, heads, { direction: "noise" })).effect!;
  const found = await faithfulness(pair, set, { randomSets: 0 });
  near(found.kept, await effect(kept!), "kept");
  near(found.removed, await effect(set), "removed");
  near(found.losses[0]!.loss, (await effect(kept!)) - (await effect(without!)), "loss");
});

test("where the question is corrupted, the picture is not looked at again, and the shares are the same", async () => {
  const random = seeded(6);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 2, textLayers: 1, mlp: 11, grid: 2 }, random);
  using pair = await randomPair(model, "text", 4, random);
  const all = everyHead(pair);
  const set = all.filter((_, i) => i % 2 === 0);
  const others = all.filter((head) => !set.includes(head));
  const corrupted = await patch(pair, others, { direction: "noise" });
  tf.dispose(model.weights.vision.blocks.map(({ mlp }) => mlp.in.weight)); // so that nothing gets through the vision tower
  const lost = await patch(pair, others, { direction: "noise" }).catch((error) => error);
  assert.instance(lost, TypeError);
  const { kept, of } = await faithfulness(pair, set, { randomSets: 2 });
  near(kept, 1 - corrupted.effect!, "kept");
  assert.is(of, all.length);
  const blind = await faithfulness(pair, [], { sites: ["vision.self.z"], randomSets: 2 });
  assert.equal([blind.kept, ...blind.random.kept], [1, 1, 1]);
});

for (const name of ["sequence", "vision", "selfAfterCross"] as const)
  test(`${name}: the planted circuit is faithful, complete and minimal, and no random set is`, async () => {
    using planted = await plant(name, 0.1);
    const { pair, heads } = planted;
    const { kept, removed, losses, random } = await faithfulness(pair, heads, { randomSets: 39 });
    near(kept, 1, "kept", 0.1);
    near(removed, 0, "removed", 0.1);
    for (const { loss } of losses) near(loss, 1, "loss", 0.2);
    assert.is(random.pValue, 1 / 40);
    assert.ok(random.kept.every((share) => share < 0.5));
  });

test("twins: neither is needed beside the other", async () => {
  using planted = await plant("twins");
  const { losses, kept } = await faithfulness(planted.pair, planted.heads, { randomSets: 0 });
  near(kept, 1, "kept");
  for (const [i, { loss }] of losses.entries()) near(loss, i < 2 ? 0 : 1, `head ${i}`);
});

test("the curve rises where the last head of the circuit comes in; its areas have a closed form", async () => {
  using planted = await plant("sequence");
  const { pair, heads } = planted;
  const ranked = await rankHeads(pair);
  assert.equal(
    new Set(ranked.slice(0, 3).map((head) => JSON.stringify(head))),
    new Set(heads.map((head) => JSON.stringify(head))),
  );
  const { sizes, kept, cpr, cmd } = await faithfulnessCurve(pair, ranked, { sizes: [1, 2, 3, 4] });
  const all = everyHead(pair).length;
  assert.equal(sizes, [0, 1, 2, 3, 4, all]);
  for (const [i, share] of kept.entries()) near(share, i < 3 ? 0 : 1, `${sizes[i]} heads`);
  // 0 up to two heads, then a slope of one head, then 1.
  near(cpr, 1 - 2.5 / all, "cpr");
  near(cmd, 2.5 / all, "cmd");
});

test("every method says after each batch how far it is, and stops between two by its signal", async () => {
  const random = seeded(4);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 1, textLayers: 2, mlp: 11, grid: 2 }, random);
  using pair = await randomPair(model, "image", 4, random);
  const all = everyHead(pair); // 2 of vision, 8 of text, 8 of the decoder
  const memory = patchBytes(model, siteOf("vision.self.z"), { tokens: 4 });
  const { each, fixed } = slopeBytes(pair, [siteOf("text.cross.z")]);
  const methods: [number, (options: PassOptions) => Promise<unknown>][] = [
    [2 + 3 + 4, (options) => faithfulness(pair, all.slice(0, 3), { memory, randomSets: 4, ...options })],
    [3, (options) => faithfulnessCurve(pair, all, { memory, sizes: [5], ...options })],
    [all.length, (options) => headEffects(pair, { memory, ...options })],
    [6, (options) => attributeAll(pair, ["text.cross.z"], { memory: each + fixed, steps: 6, ...options })],
  ];
  for (const [passes, method] of methods) {
    const seen: [number, number][] = [];
    await method({ onProgress: (...at) => seen.push(at) });
    assert.ok(seen.length >= 3, `${seen}`);
    assert.ok(seen.every(([done, total], i) => done > (seen[i - 1]?.[0] ?? 0) && total === passes));
    assert.is(seen.at(-1)![0], passes);
    const stop = new AbortController();
    const reason = new Error("enough");
    const error = await method({ onProgress: () => stop.abort(reason), signal: stop.signal }).catch((error) => error);
    assert.is(error, reason);
  }
});

test("what cannot be asked, and nothing left behind", async () => {
  using blip = await loadBlip(NARROW);
  using same = await samplePair(blip, "image", { corruptImage: CLEAN_IMAGE });
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  await refused(() => faithfulness(same, []), "options", "hardly differ");
  await refused(
    () => faithfulness(pair, [{ site: "text.cross.q", layer: 0, head: 0 } as unknown as HeadAt]),
    "site",
    "text.cross.q",
  );
  await refused(() => faithfulness(pair, [{ site: "text.cross.z", layer: 0, head: 9 }]), "site", "no head 9");
  await refused(() => faithfulness(pair, [], { randomSets: -1 }), "options", "randomSets is -1");
  await refused(() => faithfulnessCurve(pair, [], { sizes: [1000] }), "site", "no size 1000");
  const all = everyHead(pair).length;
  await refused(() => faithfulnessCurve(pair, [], { sizes: [all + 1] }), "site", `no size ${all + 1}`);
  await faithfulnessCurve(pair, [], { sizes: [3, all] });
  assert.is(tf.memory().numTensors, before);
});

test.run();
