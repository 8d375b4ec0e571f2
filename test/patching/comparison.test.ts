import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { depthShares, overlapChance, rankCorrelation, rankedAlike } from "../../src/patching/comparison.js";

const near = (found: number | null, wanted: number, what: string) =>
  assert.ok(Math.abs(found! - wanted) < 1e-9, `${what}: ${found}, not ${wanted}`);

test("the chance of an overlap is scipy.stats.hypergeom.sf(shared - 1, heads, a, b)", () => {
  near(overlapChance(2, 4, 5, 18), 0.29901960784313725, "2 of 4 and 5");
  near(overlapChance(1, 10, 12, 144), 0.5933898815164199, "1 of 10 and 12");
  assert.is(overlapChance(0, 3, 3, 18), 1);
  near(overlapChance(18, 18, 18, 18), 1, "all of all");
});

test("the rank correlation is scipy.stats.spearmanr, ties too; there is none where all are equal", () => {
  near(rankCorrelation([3, 1, 4, 1, 5], [2, 7, 1, 8, 2]), -0.7894736842105264, "with ties");
  assert.is(rankCorrelation([1, 1, 1], [1, 2, 3]), null);
});

test("samples rank heads by the size of their scores; the interval widens where samples differ", () => {
  const same = [
    [3, -2, 1],
    [-3, 2, 1],
  ];
  assert.equal(rankedAlike(same, same), { correlation: 1, low: 1, high: 1 });
  const mixed = [
    [3, 2, 1],
    [-3, -2, -1],
    [1, 2, 6],
  ];
  const { correlation, low, high } = rankedAlike(same, mixed);
  // Means of mixed are 7/3, 2 and 8/3: ranks 2, 1, 3 beside 3, 2, 1.
  assert.is(correlation, -0.5);
  // Without the third sample the order is that of `same`, with it alone the reverse.
  assert.equal([low, high], [-1, 1]);
  // Of 40 samples with much noise: an interval of some width, whatever is drawn first.
  const noisy = (seed: number) => {
    const choose = random(seed, "noise");
    return Array.from({ length: 40 }, () => Array.from({ length: 9 }, (_, head) => head / 4 + 3 * choose.next()));
  };
  for (const seed of [1, 3, 5, 7]) {
    const found = rankedAlike(noisy(seed), noisy(seed + 1));
    assert.ok(found.high! - found.low! > 0.05, JSON.stringify(found));
  }
});

test("layers fall into quarters of the depth by their middle", () => {
  assert.equal(depthShares([0.1, 0.2, 0.3, 0.4]), [0.1, 0.2, 0.3, 0.4]);
  // Middles at 1/6, 1/2, 5/6.
  assert.equal(depthShares([0.5, 0.3, 0.2]), [0.5, 0, 0.3, 0.2]);
});

test.run();
