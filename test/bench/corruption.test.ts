import { test } from "uvu";
import * as assert from "uvu/assert";
import { distanceFrom, spearman } from "../../bench/corruption/distance.js";
import { withInterval } from "../../bench/corruption/figures.js";

test("Mahalanobis' distance is to the nearest class, in its deviations over the root of the width", () => {
  // Variance 1/2 each way: shrinking towards equal variances changes nothing.
  const ring = [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ];
  const far = distanceFrom([ring, ring.map(([x, y]) => [x! + 10, y!])]);
  for (const [row, expected] of [
    [[0, 0], 0],
    [[2, 0], 2],
    [[10, 3], 3],
    [[5, 0], 5],
  ] as const)
    assert.ok(Math.abs(far(row) - expected) < 1e-12, `${row}: ${far(row)}`);
});

test("Spearman's correlation is of ranks, equal values sharing theirs", () => {
  assert.is(spearman([1, 2, 3], [1, 4, 9]), 1);
  assert.ok(Math.abs(spearman([1, 2, 3], [10, 30, 20])! - 0.5) < 1e-12);
  // Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3.
  assert.ok(Math.abs(spearman([1, 2, 2, 3], [1, 2, 3, 4])! - 4.5 / Math.sqrt(4.5 * 5)) < 1e-12);
  assert.is(spearman([1, 1], [1, 2]), null);
});

test("an interval is of drawn items, the same for the same seed", () => {
  const values = [0, 1, 2, 3];
  const of = (seed: number) => withInterval(4, seed, (drawn) => drawn.reduce((sum, at) => sum + values[at]!, 0) / 4);
  assert.match(of(1), /^1\.50 \[0\.\d\d, 2\.\d\d\]$/);
  assert.is(of(1), of(1));
  assert.is(
    withInterval(4, 1, () => 1),
    "1.00",
  );
  assert.is(
    withInterval(4, 1, () => null),
    "–",
  );
});

test.run();
