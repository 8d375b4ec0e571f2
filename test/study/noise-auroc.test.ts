import { test } from "uvu";
import * as assert from "uvu/assert";
import { mean } from "../../src/base/mean.js";
import { random } from "../../src/base/random.js";
import { auroc } from "../../src/patching/attention-functions.js";
import { noiseAuroc } from "../../src/study/head-functions.js";

test("noise: where the middle 95% of mean AUROCs lie of attention that is drawn at random", () => {
  const shares = [0.125, 0.25, 0.5];
  const choose = random(0, "noise");
  const means = Array.from({ length: 4000 }, () =>
    mean(
      shares.map((share) => {
        const attention = Array.from({ length: 64 }, () => choose.next());
        return auroc(
          attention,
          attention.map((_, patch) => patch < share * 64),
        )!;
      }),
    ),
  ).sort((a, b) => a - b);
  const [low, high] = noiseAuroc(shares, 64)!;
  assert.ok(Math.abs(low - means[100]!) < 0.006, `${low} and ${means[100]}`);
  assert.ok(Math.abs(high - means[3900]!) < 0.006, `${high} and ${means[3900]}`);
});

test("objects that cover all patches or none say nothing", () => {
  assert.is(noiseAuroc([0, 1], 64), null);
  assert.equal(noiseAuroc([0, 0.5], 64), noiseAuroc([0.5], 64));
});

test.run();
