import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Nested, Scores, type SweepFacts } from "../../src/patching/scores.js";
import { scoreMap } from "../../src/report/score-map.js";

const answer = (text: string, token = text) => ({ text, token, id: 1 });

/** Scores with `effect` as given, and `logitDiff` twice that. */
function scoresOf(effect: Nested, changes: Partial<SweepFacts>): Scores {
  const twice = (nested: Nested): Nested =>
    typeof nested === "object" && nested !== null ? nested.map(twice) : nested === null ? null : 2 * nested;
  return Scores.from({
    model: "small",
    direction: "denoise",
    mode: "image",
    site: "text.cross.z",
    tokens: ["[CLS]", "red", "?"],
    answers: { correct: answer("red"), incorrect: answer("striped", "stri") },
    clean: { prob: 0.9, logitDiff: 3 },
    corrupted: { prob: 0.2, logitDiff: -1 },
    axes: ["layer", "head", "token"],
    shape: [2, 2, 3],
    metrics: { effect, logitDiff: twice(effect), prob: effect, probDiff: effect },
    ...changes,
  });
}

const EFFECT = [
  [
    [0.5, -0.25, null],
    [0, -0.5, null],
  ],
  [
    [0.125, 0.25, null],
    [0.25, -0.125, null],
  ],
];

test("layer by head, at the token whose |scores| add up to most, or the one asked for", () => {
  const scores = scoresOf(EFFECT, {});
  const found = scoreMap(scores);
  // 0.875, 1.125, nothing.
  assert.is(found.title, "text.cross.z at token 1 (red)");
  assert.equal(found.values, [
    [-0.25, -0.5],
    [0.25, -0.125],
  ]);
  assert.equal([found.rows.title, found.columns.title, found.columns.labels], ["layer", "head", undefined]);
  assert.equal(found.subtitle, ['denoise, red or striped (read as "stri"), small']);
  assert.is(found.legend, "effect (1 = all of the logit difference)");
  assert.is(scoreMap(scores, { token: 0 }).title, "text.cross.z at token 0 ([CLS])");
  assert.is(scoreMap(scores, { token: 2 }).title, "text.cross.z at token 1 (red)", "which was not patched");
  const other = scoreMap(scores, { metric: "logitDiff", note: "Made by hand." });
  assert.equal(other.values, [
    [-0.5, -1],
    [0.5, -0.25],
  ]);
  assert.is((other.subtitle as readonly string[])[1], "Made by hand.");
});

test("a token that was patched without effect is one that was patched", () => {
  const effect = [
    [
      [0, null],
      [0, null],
    ],
  ];
  const scores = scoresOf(effect, { tokens: ["[CLS]", "?"], shape: [1, 2, 2] });
  assert.is(scoreMap(scores).title, "text.cross.z at token 0 ([CLS])");
  assert.is(scoreMap(scores, { token: 0 }).title, "text.cross.z at token 0 ([CLS])");
});

test("sites without heads: layer by token, or a layer as a whole", () => {
  const rows = scoresOf([[0.5, 0.25, 0]], { site: "text.resid_post", axes: ["layer", "token"], shape: [1, 3] });
  const found = scoreMap(rows);
  assert.equal([found.title, found.values], ["text.resid_post", [[0.5, 0.25, 0]]]);
  assert.equal([found.columns.title, found.columns.labels], ["token", ["[CLS]", "red", "?"]]);
  const layers = scoreMap(scoresOf([0.5, 0.25], { site: "text.resid_post", axes: ["layer"], shape: [2] }));
  assert.equal([layers.title, layers.values], ["text.resid_post", [[0.5], [0.25]]]);
  assert.is(layers.columns.title, "layer as a whole");
});

test("without an effect the map is of logits", () => {
  const same = scoresOf(EFFECT, { corrupted: { prob: 0.9, logitDiff: 2.9901 } });
  assert.is(scoreMap(same).legend, "change of the logit difference (logits)");
  const differing = scoresOf(EFFECT, { corrupted: { prob: 0.9, logitDiff: 2.98 } });
  assert.is(scoreMap(differing).legend, "effect (1 = all of the logit difference)");
});

test.run();
