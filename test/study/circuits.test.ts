import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { headScores, readCircuits } from "../../src/study/circuits.js";
import { StudyRun } from "../../src/study/run.js";
import type { GivenSettings } from "../../src/study/settings.js";
import { readTests } from "../../src/study/verify.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const KEY = { dataset: "own", modality: "image" } as const;
const PLACE = { ...KEY, site: "text.cross.z" } as const;
const TOKENS = ["[CLS]", "red", "?"];

/**
 * At the answer, token 1: by head, what its patch does in logits; what gradients expect of it where it was not patched.
 */
const SAMPLES: Record<string, readonly ({ readonly exact: number } | { readonly expected: number })[]> = {
  a: [{ exact: 0.2 }, { exact: -1.6 }, { expected: 8 }, { exact: 0 }, { exact: 0.2 }, { exact: 0 }, { exact: 0 }],
  b: [{ exact: 0.2 }, { exact: -1.4 }, { expected: 8 }, { exact: 0 }, { exact: -0.2 }, { exact: 0 }, { exact: 0 }],
};

/**
 * Effects of two samples, a quarter of these: means of size 0.9, four times 0.3 and four times 0, 2.1 / 9 = 7 / 30 over
 * heads. The mean square is (0.81 + 4 * 0.09) / 9 = 0.13, less (7 / 30)^2 is 0.0755556, whose root is 0.2748737. The
 * paper's rule (section 4): a circuit from 0.2333333 + 2 * 0.2748737 = 0.7830808 on, which is the first head alone.
 */
const RULE: typeof SAMPLES = Object.fromEntries(
  [
    [-4.8, 1.2, -1.2, 0.8, 1.6, 0, 0, 0, 0],
    [2.4, 1.2, 1.2, -1.6, 0.8, 0, 0, 0, 0],
  ].map((heads, i) => ["ab"[i]!, heads.map((exact) => ({ exact }))]),
);

/**
 * A run with these scores, each clean pass 3 logits for the answer and each corrupted one 1 against it: 4 logits of
 * way.
 */
async function scored(samples = SAMPLES): Promise<StudyRun> {
  const run = await StudyRun.open(join(temporaryFolder(), "run"), { dataset: ["own.csv"] });
  const passes = { tokens: TOKENS, answer_token: 1, incorrect_token: 2, clean_prob: 0.9, corrupted_prob: 0.25 };
  for (const [sample, heads] of Object.entries(samples)) {
    const differences = { clean_logit_diff: 3, corrupted_logit_diff: -1 };
    await run.store.insert("passes", [{ ...KEY, sample, ...passes, ...differences }]);
    for (const position of [0, 1, 2])
      await run.store.insert(
        "scores",
        heads.map((one, head) => {
          const place = { ...PLACE, sample, layer: 0, head, position };
          // At other tokens than the answer's everything is 9.
          if ("expected" in one) return { ...place, attribution: position === 1 ? one.expected : 9 };
          const logit_diff = position === 1 ? one.exact : 9;
          return { ...place, prob: 0.5, prob_diff: 0.25, logit_diff, effect: logit_diff / 4, attribution: 7 };
        }),
      );
  }
  return run;
}

const run = await scored();
for (const [ordinal, sample] of Object.keys(SAMPLES).entries()) {
  await run.store.insert("samples", [{ dataset: "own", sample, sample_group: "one" }]);
  await run.store.insert("selected", [{ dataset: "own", sample, ordinal }]);
}

/** The run with other settings, as if it had been opened with them. */
const having = (given: GivenSettings): StudyRun =>
  Object.create(run, { settings: { value: { ...run.settings, ...given } } });

test.after(() => run[Symbol.dispose]());

test("a head that was not patched is in no circuit, and counts in the mean over heads", async () => {
  const { circuits, universal } = await readCircuits(run);
  assert.equal(
    circuits.map(({ dataset, modality, site }) => [dataset, modality, site]),
    [
      ["own", "image", "text.cross.z"],
      ["own", "image", "text.self.z"],
    ],
  );
  const { circuit, unplaced } = circuits[0]!;
  assert.equal([circuit.samples, circuit.degenerate, unplaced], [2, 0, 0]);
  assert.equal(
    circuit.heads.map(({ head }) => head),
    [0, 1, 3, 4, 5, 6],
  );
  // Means of |effect|: 0.05, 0.375, 2 (expected), 0, 0.05, 0, 0.
  const means = [0.05, 0.375, 2, 0, 0.05, 0, 0];
  const mean = 2.475 / 7;
  const deviation = Math.sqrt(means.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 7);
  assert.ok(Math.abs(circuit.threshold - (mean + 2 * deviation)) < 1e-9);
  assert.ok(circuit.heads.every(({ inCircuit }) => !inCircuit));
  assert.ok(Math.abs(circuit.heads[1]!.signedMean + 0.375) < 1e-9);
  assert.ok(Math.abs(circuit.heads[3]!.mean - 0.05) < 1e-9 && Math.abs(circuit.heads[3]!.signedMean) < 1e-9);
  assert.equal(universal[0]!.universality.names, ["own image"]);
  assert.equal(universal[1]!.universality.names, []);
});

test("the paper's rule, by hand", async () => {
  using own = await scored(RULE);
  const { circuit } = (await readCircuits(own)).circuits[0]!;
  assert.ok(Math.abs(circuit.threshold - 0.7830808) < 1e-7, `${circuit.threshold}`);
  for (const [head, size] of [0.9, 0.3, 0.3, 0.3, 0.3, 0, 0, 0, 0].entries())
    assert.ok(Math.abs(circuit.heads[head]!.mean - size) < 1e-9);
  assert.equal(
    circuit.heads.filter(({ inCircuit }) => inCircuit).map(({ head }) => head),
    [0],
  );
});

test("scores of some samples, with which heads were patched; one sample is enough", async () => {
  const { samples, patched, unplaced } = await headScores(run, PLACE, { only: new Set(["b"]) });
  assert.equal(samples, [[[0.05, -0.35, 2, 0, -0.05, 0, 0]]]);
  assert.equal(patched, [[true, true, false, true, true, true, true]]);
  assert.is(unplaced, 1);
});

test("what is not patched counts for what its metric says of a patch that does what gradients expect", async () => {
  for (const [metric, direction, expected] of [
    ["logitDiff", "denoise", 8],
    ["effect", "denoise", 2],
    ["effect", "noise", -2],
    ["probDiff", "denoise", 0],
    ["prob", "denoise", 0.25],
    ["prob", "noise", 0.9],
  ] as const) {
    const { samples } = await headScores(having({ metric, direction }), PLACE);
    assert.is(samples[0]![0]![2], expected, `${metric}, ${direction}`);
  }
});

test("a sample whose corruption changes less than the least difference has no effect", async () => {
  const counts = async (given: GivenSettings) => {
    const { circuit } = (await readCircuits(having(given))).circuits[0]!;
    return [circuit.samples, circuit.degenerate];
  };
  assert.equal(await counts({ leastDifference: 4 }), [2, 0]);
  assert.equal(await counts({ leastDifference: 4.01 }), [0, 2]);
  assert.equal(await counts({ leastDifference: 4.01, metric: "logitDiff" }), [2, 0]);
});

test("a circuit is tested on the samples that it was not found on, unless none are asked for", async () => {
  const [one, ...others] = await readTests(run);
  assert.equal([one!.foundOn, one!.samples, others.length], [["a"], ["b"], 0]);
  // By |effect| over all tokens: 4.5 + the answer's of those that were patched; 4.5 + 2 of the other.
  const effects = [4.55, 4.1, 6.5, 4.5, 4.55, 4.5, 4.5];
  const order = effects.map((_, head) => head).sort((a, b) => effects[b]! - effects[a]!);
  assert.equal(
    one!.ranked.map(({ head }) => head),
    order,
  );
  assert.equal(one!.sizes, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(await readTests(having({ verify: 0 })), []);
  assert.equal((await readTests(having({ verify: 1 })))[0]!.samples, ["b"]);
});

test("circuits are read at the position of the settings", async () => {
  for (const [position, at] of [
    ["answer", 0.05],
    ["1", 0.05],
    ["red", 0.05],
    ["answer+1", 2.25],
    ["answer-1", 2.25],
    ["0", 2.25],
    ["?", 2.25],
  ] as const) {
    const { samples } = await headScores(having({ position }), PLACE);
    assert.is(samples[0]![0]![0], at, position);
  }
  await refused(() => readCircuits(having({ position: "answer-2" })), "options", 'has the position "answer-2"');
});

test.run();
