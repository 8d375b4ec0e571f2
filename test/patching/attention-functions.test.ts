import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import {
  attentionOverlay,
  auroc,
  headAttention,
  headFunctions,
  type LookNulls,
  meanAttention,
  patchShares,
} from "../../src/patching/attention-functions.js";
import type { Picture } from "../../src/pictures/picture.js";
import { Fixture } from "../support/fixture.js";
import { refused } from "../support/refused.js";

const near = (found: number | null, expected: number, tolerance = 1e-12) =>
  assert.ok(found !== null && Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);

/** A grey picture from rows of values. */
const mask = (rows: number[][]): Picture => ({
  width: rows[0]!.length,
  height: rows.length,
  data: Uint8Array.from(rows.flat().flatMap((value) => [value, value, value])),
});

test("AUROC is the share of pairs in the right order, ties half", () => {
  assert.is(auroc([1, 2, 3, 4], [false, false, true, true]), 1);
  assert.is(auroc([4, 3, 2, 1], [false, false, true, true]), 0);
  assert.is(auroc([7, 7, 7], [true, false, false]), 0.5);
  const choose = random("auroc");
  const scores = Array.from({ length: 60 }, () => Math.floor(12 * choose.next()));
  const positive = scores.map(() => choose.chance(0.3));
  const pairs = scores.flatMap((score, i) =>
    positive[i]
      ? scores.flatMap((other, j) => (positive[j] ? [] : [score > other ? 1 : score === other ? 0.5 : 0]))
      : [],
  );
  near(auroc(scores, positive), pairs.reduce((sum, won) => sum + won, 0) / pairs.length);
  assert.is(auroc([1, 2], [true, true]), null);
  assert.is(auroc([1, 2], [false, false]), null);
});

test("a mask's share of each patch, of grids that do not divide it too", () => {
  const four = mask([
    [255, 255, 0, 0],
    [255, 255, 0, 0],
    [0, 0, 0, 255],
    [0, 0, 0, 0],
  ]);
  assert.equal(patchShares(four, 2), [1, 0, 0, 0.25]);
  assert.equal(patchShares(four, 2, [0, 0, 2, 2]), [1, 1, 1, 1]);
  assert.equal(patchShares(four, 2, [1, 1, 2, 2]), [1, 0, 0, 0]);
  assert.equal(patchShares(four, 1, [1.5, 1.5, 1, 1]), [0.25]);
  const [left, middle, right] = patchShares(mask([[255, 0]]), 3);
  near(left!, 1);
  near(middle!, 0.5);
  near(right!, 0);
  // Areas are kept whatever the grid is.
  const choose = random("mask");
  const grey = mask(
    Array.from({ length: 37 }, () => Array.from({ length: 53 }, () => Math.floor(256 * choose.next()))),
  );
  const covered = grey.data.reduce((sum, value) => sum + value, 0) / grey.data.length / 255;
  for (const side of [1, 7, 24, 64]) {
    const shares = patchShares(grey, side);
    assert.is(shares.length, side * side);
    near(shares.reduce((sum, share) => sum + share, 0) / shares.length, covered, 1e-9);
  }
});

test("segmentation and inhibition are the two sides of uniform attention", () => {
  const shares = [1, 0.5, 0, 0];
  const norms = [9, 1, 1, 1, 1];
  const segmenting = headAttention([0.2, 0.4, 0.2, 0.1, 0.1], norms, shares).object!;
  near(segmenting.mass, (0.4 + 0.1) / 0.8);
  near(segmenting.uniform, 1.5 / 4);
  assert.is(segmenting.auroc, 1);
  const inhibiting = headAttention([0.2, 0.05, 0.05, 0.3, 0.4], norms, shares).object!;
  near(inhibiting.mass, 0.075 / 0.8);
  assert.is(inhibiting.auroc, 0);
  const even = headAttention([0.6, 0.1, 0.1, 0.1, 0.1], norms, shares).object!;
  near(even.mass, even.uniform);
  assert.is(even.auroc, 0.5);
  assert.is(headAttention([1, 0, 0, 0, 0], norms, shares).object!.mass, 1.5 / 4);
  assert.is(headAttention([0.2, 0.2, 0.2, 0.2, 0.2], norms, [0.4, 0.1, 0, 0]).object!.auroc, null);
  assert.is(headAttention([0.2, 0.2, 0.2, 0.2, 0.2], norms).object, null);
});

test("outliers stand two deviations above the other patches; [CLS] is none of them", () => {
  // Of nine 1s and one 11 the mean is 2 and the deviation 3.
  const norms = [99, ...new Array<number>(9).fill(1), 11];
  const away = headAttention([0.1, ...new Array<number>(9).fill(0.099), 0.009], norms).outliers!;
  near(away.mass, 0.01);
  near(away.uniform, 0.1);
  assert.is(headAttention(norms, norms.fill(1)).outliers, null);
});

test("means leave out what is not known", () => {
  const one = { object: { mass: 0.2, uniform: 0.1, auroc: 0.9 }, outliers: null };
  const two = { object: { mass: 0.4, uniform: 0.3, auroc: null }, outliers: { mass: 0.1, uniform: 0.25 } };
  const found = meanAttention([one, two, { object: null, outliers: null }]);
  assert.equal([found.objectSamples, found.outlierSamples], [2, 1]);
  near(found.objectMass, 0.3);
  near(found.objectUniform, 0.2);
  assert.equal([found.auroc, found.outlierMass, found.outlierUniform], [0.9, 0.1, 0.25]);
  assert.is(meanAttention([]).objectMass, null);
});

test("heads are named after what they do on the average, at the bounds too", () => {
  const means = { objectSamples: 1, outlierSamples: 1, outlierMass: 0.1, outlierUniform: 0.1 };
  const on = (objectMass: number, auroc: number) => headFunctions({ ...means, objectMass, objectUniform: 0.3, auroc });
  assert.equal(on(0.31, 0.6), ["segmentation"]);
  assert.equal(on(0.29, 0.4), ["object inhibition"]);
  for (const [mass, auroc] of [
    [0.31, 0.59],
    [0.29, 0.6],
    [0.29, 0.41],
    [0.31, 0.4],
  ] as const)
    assert.equal(on(mass, auroc), []);
  const unknown = { objectMass: null, objectUniform: null, auroc: null };
  assert.equal(headFunctions({ ...means, ...unknown, outlierMass: 0.05 }), ["outlier inhibition"]);
  assert.equal(headFunctions({ ...means, ...unknown, outlierMass: 0.051 }), []);
});

test("a function is named only where its number is outside what its null gives", () => {
  const means = { objectSamples: 2, outlierSamples: 2, outlierMass: 0.01, outlierUniform: 0.1 };
  const on = (objectMass: number, auroc: number, nulls: LookNulls) =>
    headFunctions({ ...means, objectMass, objectUniform: 0.3, auroc, ...nulls }).join();
  // Two samples say so little that noise gives 0.7 too.
  const noise = [0.3, 0.7] as const;
  const outlierExcess = [-0.1, 0.02] as const;
  assert.is(on(0.4, 0.65, { noise, outlierExcess }), "");
  assert.is(on(0.4, 0.71, { noise, outlierExcess }), "segmentation");
  assert.is(on(0.2, 0.35, { noise, outlierExcess }), "");
  assert.is(on(0.2, 0.29, { noise, outlierExcess }), "object inhibition");
  assert.is(on(0.3, 0.5, { noise, outlierExcess: [-0.1, -0.01] }), "outlier inhibition");
});

test("overlays are [row][column], add up to zero over all heads, and leave [CLS] out", async () => {
  const patterns = [
    [
      [0.5, 0.2, 0.1, 0.1, 0.1],
      [0.1, 0.2, 0.3, 0.2, 0.2],
    ],
  ];
  const [[a, b], [c, d]] = attentionOverlay(patterns, { layer: 0, head: 1 }) as [[number, number], [number, number]];
  for (const [found, expected] of [
    [a, 0],
    [b, 0.1],
    [c, 0.05],
    [d, 0.05],
  ] as const)
    near(found, expected);
  await refused(
    () => attentionOverlay(patterns, { layer: 1, head: 0 }),
    "site",
    "no head L1H0",
    "there are L0H0 to L0H1",
  );
});

test("refuses patterns, norms and shares of different lengths", async () => {
  await refused(() => headAttention([1, 0], [1]), "options", "2 image tokens", "1 norms");
  await refused(() => headAttention([1, 0], [1, 1], [1, 1]), "options", "2 shares");
});

test("attention and norms are Hugging Face's, and nothing is left behind", async () => {
  const fixture = await Fixture.load("narrow");
  using run = await fixture.run("clean");
  const before = tf.memory().numTensors;
  const { patterns, norms, side } = await answerAttention(run, 3);
  await refused(() => answerAttention(run, 9), "site", "no token 9", "0 to 8");
  assert.is(tf.memory().numTensors, before);
  for (const [layer, heads] of patterns.entries()) {
    const theirs = tf.squeeze(await fixture.tensor(`clean/text.${layer}.cross.pattern`)).arraySync() as number[][][];
    for (const [head, pattern] of heads.entries())
      for (const [at, value] of pattern.entries()) near(value, theirs[head]![3]![at]!, 1e-4);
  }
  const last = fixture.model.config.vision.num_hidden_layers - 1;
  const rows = tf.squeeze(await fixture.tensor(`clean/vision.${last}.resid_post`)).arraySync() as number[][];
  assert.equal([rows.length, patterns.length], [side ** 2 + 1, fixture.model.config.text.num_hidden_layers]);
  for (const [at, row] of rows.entries()) near(norms[at]!, Math.hypot(...row), 1e-3);
});

test.run();
