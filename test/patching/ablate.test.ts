import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ablate, layerWindow } from "../../src/patching/ablate.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { SITES } from "../../src/patching/sites.js";
import { between, fromRun, meanOf, zero } from "../../src/patching/sources.js";
import { plant } from "../support/planted.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, NARROW, samplePair } from "../support/samples.js";

const near = (found: number | null, expected: number, what: string, tolerance = 1e-4) =>
  assert.ok(Math.abs(found! - expected) <= tolerance, `${what}: ${found} where ${expected} was expected`);

// In the planted circuit the answer is an odd function of what the head carries: 1 clean, -1 corrupted, so 0 is half
// way.

test("zero, mean and resample ablation of a planted head", async () => {
  using planted = await plant("single");
  const { pair, heads } = planted;
  const places = (some: typeof planted.all) => some.map(({ site, layer, head }) => ({ site, layer, head }));
  const head = [heads[0]!];
  near((await ablate(pair, head)).effect, 0.5, "zero");
  near((await ablate(pair, head, meanOf([pair.clean, pair.corrupted]))).effect, 0.5, "mean");
  near((await ablate(pair, head, meanOf([pair.clean, pair.clean]))).effect, 0, "mean of the pass itself");
  near((await ablate(pair, head, fromRun(pair.corrupted))).effect, 1, "resample");
  const others = places(planted.all.filter(({ positive }) => !positive));
  near((await ablate(pair, others)).effect, 0, "all other heads knocked out");
  near((await ablate(pair, places(planted.all))).effect, 0.5, "all heads knocked out");
});

test("interpolation between runs goes from one answer to the other, odd about the middle", async () => {
  using planted = await plant("single");
  const { pair, heads } = planted;
  const at = async (share: number) => {
    const source = between(fromRun(pair.corrupted), fromRun(pair.clean), share);
    return (await patch(pair, [heads[0]!], { source })).effect!;
  };
  for (const [share, expected] of [
    [0, 0],
    [0.5, 0.5],
    [1, 1],
  ] as const)
    near(await at(share), expected, `share ${share}`);
  near((await at(0.25)) + (await at(0.75)), 1, "opposite shares");
  assert.ok((await at(0.25)) > 0.1 && (await at(0.25)) < 0.45);
});

test("a window of layers restores what is carried within it", async () => {
  using planted = await plant("negative");
  const { pair } = planted;
  near((await patch(pair, layerWindow("text.cross.z", [0, 2]))).effect, 1, "all layers");
  near((await patch(pair, layerWindow("text.cross.z", [1, 1]))).effect, 0, "the layer between");
  const [positive, negative] = [
    await patch(pair, layerWindow("text.cross.z", [0, 1])),
    await patch(pair, layerWindow("text.cross.z", [1, 2], { head: 0 })),
  ];
  near(positive.effect! + negative.effect!, 1, "both ends");
  for (const window of [
    [2, 1],
    [0, 100_000],
  ] as const)
    await refused(
      async () => layerWindow("text.cross.z", window),
      "site",
      "are no window; give the first and the last",
    );
});

test("a mean is that of its runs' values, at every site; runs keep theirs, and nothing is left behind", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  for (const site of SITES) {
    const { effect, prob } = await patch(pair, [{ site, layer: 1 }], { source: meanOf([pair.clean, pair.clean]) });
    const expected = await patch(pair, [{ site, layer: 1 }]);
    near(prob, expected.prob, site, 1e-5);
    near(effect, expected.effect!, site);
    await ablate(pair, [{ site, layer: 1 }], zero);
  }
  assert.is(tf.memory().numTensors, before);
});

test("references that cannot be averaged", async () => {
  using blip = await loadBlip(NARROW);
  using short = await blip.run({ image: CLEAN_IMAGE, question: "is it red?" });
  using long = await blip.run({ image: CLEAN_IMAGE, question: "is it red or green?" });
  await refused(() => meanOf([]), "options", "no runs");
  await refused(() => meanOf([short, long]), "tokens", "same number of tokens", "6, 8");
});

test.run();
