import { test } from "uvu";
import * as assert from "uvu/assert";
import { agreement, pearson } from "../../src/patching/agreement.js";
import { Scores, type SweepFacts } from "../../src/patching/scores.js";

/** A table [layer 1, head n] with these changes of the logit difference. */
function table(changes: readonly (number | null)[]): Scores {
  const scores = new Scores({ axes: ["layer", "head"], shape: [1, changes.length] } as unknown as SweepFacts);
  for (const [head, logitDiff] of changes.entries())
    scores.set([0, head], { prob: null, probDiff: null, logitDiff, effect: null });
  return scores;
}

test("Pearson's correlation", () => {
  // By Python: statistics.correlation([1, 2, 3, 5], [2, 1, 4, 8])
  assert.ok(Math.abs(pearson([1, 2, 3, 5], [2, 1, 4, 8])! - 0.9299702793621387) < 1e-12);
  assert.ok(Math.abs(pearson([1, 2, 3], [-2, -4, -6])! + 1) < 1e-12);
  assert.is(pearson([1, 1, 1], [1, 2, 3]), null);
});

test("the worst misses first, places that one of them lacks left out", () => {
  const found = agreement(table([1, 0, null, 2]), table([1.5, 3, 9, 2]), { worst: 2 });
  assert.is(found.places, 3);
  assert.equal(found.misses, [
    { index: [0, 1], found: 0, exact: 3 },
    { index: [0, 0], found: 1, exact: 1.5 },
  ]);
});

test.run();
