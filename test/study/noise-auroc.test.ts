import { test } from "uvu";
import * as assert from "uvu/assert";
import { mean } from "../../src/base/mean.js";
import { random } from "../../src/base/random.js";
import { auroc } from "../../src/patching/attention-functions.js";
import { noiseAuroc } from "../../src/study/noise-auroc.js";

const choose = random(0, "noise");
const independent = (patches: number) => Array.from({ length: patches }, () => choose.next());

test("noise without neighbours that are alike: where mean AUROCs of attention that is drawn at random lie", () => {
  const shares = [0.125, 0.25, 0.5];
  const means = Array.from({ length: 4000 }, () =>
    mean(
      shares.map((share) => {
        const attention = independent(64);
        return auroc(
          attention,
          attention.map((_, patch) => patch < share * 64),
        )!;
      }),
    ),
  ).sort((a, b) => a - b);
  const maps = Array.from({ length: 60 }, () => independent(64));
  const [low, high] = noiseAuroc(shares, maps)!;
  assert.ok(Math.abs(low - means[100]!) < 0.012, `${low} and ${means[100]}`);
  assert.ok(Math.abs(high - means[3900]!) < 0.012, `${high} and ${means[3900]}`);
  // A grid that is no square takes that for granted.
  const [lowest] = noiseAuroc([0.25], [independent(60)])!;
  assert.ok(Math.abs(0.5 - lowest - 1.959964 * Math.sqrt(61 / (12 * 15 * 45))) < 1e-9);
});

/** A bump, as attention has them. */
const smooth = Array.from({ length: 64 }, (_, at) =>
  Math.exp(-(((Math.floor(at / 8) - 3) ** 2 + ((at % 8) - 4) ** 2) / 8)),
);

test("smooth maps: the AUROCs of an object at each place, by hand", () => {
  const found: number[] = [];
  for (let row = 0; row < 8; row++)
    for (let column = 0; column < 8; column++) {
      const isObject = smooth.map((_, at) => (Math.floor(at / 8) - row + 8) % 8 < 3 && ((at % 8) - column + 8) % 8 < 3);
      found.push(auroc(smooth, isObject)!);
    }
  assert.ok(Math.abs(mean(found) - 0.5) < 1e-9);
  const spread = Math.sqrt(mean(found.map((one) => (one - 0.5) ** 2)));
  const many = Array.from({ length: 20 }, () => 9 / 64);
  const [low, high] = noiseAuroc(many, [smooth])!;
  assert.ok(Math.abs(high - 0.5 - (1.959964 * spread) / Math.sqrt(20)) < 1e-9, `${high}`);
  assert.ok(Math.abs(low + high - 1) < 1e-9);
  const [, rough] = noiseAuroc(many, [independent(64)])!;
  assert.ok(high - 0.5 > 1.5 * (rough - 0.5), `${high}, not wider than ${rough}`);
  // Alone it may lie anywhere.
  assert.equal(noiseAuroc([9 / 64], [smooth])!.map(Math.round), [0, 1]);
});

test("objects that cover all patches or none say nothing, nor does a head of which no map was kept", () => {
  assert.is(noiseAuroc([0, 1], [smooth]), null);
  assert.equal(noiseAuroc([0, 0.5], [smooth]), noiseAuroc([0.5], [smooth]));
  assert.is(noiseAuroc([0.5], []), null);
});

test.run();
