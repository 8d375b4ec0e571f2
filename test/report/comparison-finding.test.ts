import { test } from "uvu";
import * as assert from "uvu/assert";
import { comparisonFinding } from "../../src/report/comparison-finding.js";
import type { ComparedPair, Comparison } from "../../src/study/compared.js";

const APART = "Models that were trained apart share no names of heads, and are compared by what their heads look at";

const circuit = (run: number, heads: number[]) => ({
  ...{ run, dataset: "faces", modality: "image", site: "text.cross.z", samples: 12, of: 18, depth: [1], functions: {} },
  heads: heads.map((head) => ({ layer: 0, head })),
});

function compared(named: Partial<NonNullable<ComparedPair["named"]>>[], others: ComparedPair[] = []): Comparison {
  const rank = { correlation: 0.9, low: 0.8, high: -0.1 };
  const pairs = named.map((one) => {
    const shared = [{ layer: 0, head: 1 }];
    return { a: 0, b: 1, functions: [], named: { sameWeights: true, shared, chance: 0.5, rank, ...one } };
  });
  return { runs: [], circuits: [circuit(0, [1, 2]), circuit(1, [1, 3, 4])], pairs: [...pairs, ...others] } as never;
}

test("a comparison is told with its p, its interval and how many were looked at", () => {
  assert.equal(comparisonFinding(compared([{ chance: 0.02 }, { chance: 0.001 }])), [
    "Of 2 pairs of circuits that are compared by name 2 share more heads than random sets of these sizes do (p at most 0.05 / 2).",
    "The closest are those on faces, image, text.cross.z, of runs 1 and 2: L0H1 in both, of 2 and 3 heads, p = 0.001. " +
      "All heads are ranked alike by 0.90 [0.80, −0.10] (Spearman).",
  ]);
  const few = { correlation: null, low: null, high: null };
  const [, other] = comparisonFinding(compared([{ chance: 0.01, sameWeights: false, rank: few }]));
  assert.match(other!, /p = 0\.01\. The weights differ/);
  assert.not.match(other!, "ranked");
  const [, unsure] = comparisonFinding(compared([{ chance: 0.01, rank: { correlation: 0.4, low: null, high: 0.9 } }]));
  assert.not.match(unsure!, "ranked");
});

test("what is shared no more often than by chance shows nothing; one of many p-values does not count by itself", () => {
  // 0.03 would do for one comparison, not for two.
  const found = comparisonFinding(compared([{ chance: 0.03 }, { chance: 0.9 }]));
  assert.equal(found.length, 1);
  assert.match(found[0]!, /Of 2 pairs .* none shares more .*0\.05 \/ 2.*nothing in common is shown/);
  assert.match(
    comparisonFinding(compared([{ chance: 0.03 }]))[0]!,
    "Of 1 pair of circuits that are compared by name 1 shares",
  );
  assert.equal(comparisonFinding(compared([{ chance: 0.11 }])), [
    "By their names the two circuits share L0H1: no more than random sets of these sizes do (p = 0.11).",
  ]);
});

test("circuits of other sites or weights are told by function", () => {
  const by = (functions: string[]) => ({ a: 0, b: 1, functions }) as unknown as ComparedPair;
  assert.equal(comparisonFinding(compared([], [by([]), by(["segmentation"])])), [
    `${APART}: in 1 of 2 pairs of other weights both circuits have heads of one function (segmentation).`,
  ]);
});

test("of two circuits of other weights it names the heads of each function", () => {
  const { circuits, ...rest } = compared([{ chance: 0.5, sameWeights: false }]);
  const found = (functions: string[]) =>
    comparisonFinding({
      ...rest,
      circuits: circuits.map((one) => ({ ...one, functions: { segmentation: { heads: one.heads, low: 1, high: 3 } } })),
      pairs: rest.pairs.map((pair) => ({ ...pair, functions: functions as never })),
    })[1];
  assert.is(
    found(["segmentation"]),
    `${APART}: both circuits have heads of segmentation (L0H1 and L0H2 in run 1, L0H1, L0H3 and L0H4 in run 2).`,
  );
  assert.is(found([]), `${APART}: no function is in both.`);
});

test.run();
