import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gaussianNoise } from "../../src/corruption/gaussian.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { Pair } from "../../src/patching/pair.js";
import { sweep } from "../../src/patching/sweep.js";
import { openPool } from "../../src/pool.js";
import { difference } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, NARROW } from "../support/samples.js";

const COUNT = 200_001; // odd: the last pair of draws is cut
const noise = (seed: number, sigma = 1) => gaussianNoise(new Float32Array(COUNT), { sigma, seed });
const mean = (values: Float32Array, power = 1) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length;

const blip = await loadBlip(NARROW, { backend: "wasm" });

test("the moments are a normal distribution's", () => {
  const values = noise(1);
  // Four standard errors of each moment: sqrt(Var(x^k) / n), for k = 1…4: 1, 2, 15, 96.
  for (const [power, expected, variance] of [
    [1, 0, 1],
    [2, 1, 2],
    [3, 0, 15],
    [4, 3, 96],
  ] as const)
    assert.ok(Math.abs(mean(values, power) - expected) < 4 * Math.sqrt(variance / COUNT), `moment ${power}`);
  const within = (bound: number) => values.filter((value) => Math.abs(value) < bound).length / COUNT;
  for (const [bound, share] of [
    [0.6744898, 0.5],
    [1.959964, 0.95],
    [3.290527, 0.999],
  ] as const)
    assert.ok(Math.abs(within(bound) - share) < 4 * Math.sqrt((share * (1 - share)) / COUNT), `within ${bound}`);
});

test("values next to each other, and those of two seeds, have nothing in common", () => {
  const [one, other] = [noise(1), noise(2)];
  const products = (shift: number, with_: Float32Array) =>
    mean(one.map((value, i) => value * with_[(i + shift) % COUNT]!));
  for (const product of [products(1, one), products(2, one), products(3, one), products(0, other)])
    assert.ok(Math.abs(product) < 4 / Math.sqrt(COUNT), `${product}`);
});

test("equal seeds give equal noise, sigma scales it, and it is added", () => {
  assert.equal(noise(7), noise(7));
  const [one, half] = [noise(7), noise(7, 0.5)];
  assert.ok(half.every((value, i) => Math.abs(value - one[i]! / 2) < 1e-6));
  const pixels = Float32Array.from({ length: 12 }, (_, i) => i - 5);
  const before = pixels.slice();
  const noisy = gaussianNoise(pixels, { sigma: 1, seed: 7 });
  assert.equal(pixels, before);
  assert.ok(noisy.every((value, i) => Math.abs(value - pixels[i]! - one[i]!) < 1e-5));
});

test("a tensor gets the noise of its values and stays as it is", async () => {
  const values = Float32Array.from({ length: 2 * 3 * 3 }, (_, i) => i / 9);
  const pixels = tf.tensor4d(values, [1, 2, 3, 3]);
  const { numTensors } = tf.memory();
  const noisy = gaussianNoise(pixels, { sigma: 0.3, seed: 4 });
  assert.equal(noisy.shape, [1, 2, 3, 3]);
  assert.is(tf.memory().numTensors, numTensors + 1);
  const expected = gaussianNoise(values, { sigma: 0.3, seed: 4 });
  const found = await noisy.data();
  assert.ok(expected.every((value, i) => Math.abs(value - found[i]!) < 1e-6));
  tf.dispose([pixels, noisy]);
});

test("no noise that is none", async () => {
  for (const sigma of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e39, 1001])
    await refused(() => gaussianNoise(new Float32Array(3), { sigma, seed: 1 }), "options", "sigma", `${sigma}`);
  await refused(() => gaussianNoise(new Float32Array(3), { sigma: 1, seed: Number.NaN }), "options", "seed");
});

const input = { image: CLEAN_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const noisy = { ...input, corruptImage: { noise: { sigma: 0.5, seed: 3 } } };

test("a pair is corrupted by noise on its own picture", async () => {
  using pair = await blip.pair(noisy);
  assert.is(pair.mode, "image");
  const pixels = await blip.pixels(CLEAN_IMAGE);
  const corruptPixels = gaussianNoise(pixels, noisy.corruptImage.noise);
  const [correct, incorrect] = ANSWERS.map((answer) => blip.answer(answer));
  using expected = await Pair.of(blip, {
    modelName: "narrow",
    pixels,
    corruptPixels,
    question: blip.question(CLEAN_QUESTION),
    answers: { correct: correct!, incorrect: incorrect! },
  });
  assert.is(difference(pair.corrupted.logits, expected.corrupted.logits), 0);
  assert.ok(difference(pair.corrupted.logits, pair.clean.logits) > 1e-3);
  using faint = await blip.pair({ ...input, corruptImage: { noise: { sigma: 1e-7, seed: 3 } } });
  assert.ok(difference(faint.corrupted.logits, faint.clean.logits) < 1e-4);
  await refused(() => blip.pair({ ...input, corruptImage: { noise: { sigma: 0, seed: 3 } } }), "options", "sigma");
});

test("noise travels to a worker process", async () => {
  using pair = await blip.pair(noisy);
  const expected = (await sweep(pair, { site: "text.cross.z", position: "answer" })).toJSON();
  await using pool = await openPool(NARROW, { workers: 1, backend: "wasm" });
  const found = [];
  for await (const result of pool.sweep([{ key: 0, ...noisy }], { site: "text.cross.z", position: "answer" }))
    found.push({ ...result, scores: result.scores?.map((scores) => scores.toJSON()) });
  assert.equal(found, [{ key: 0, scores: [expected] }]);
});

test.after(() => blip[Symbol.dispose]());

test.run();
