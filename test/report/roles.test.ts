import { test } from "uvu";
import * as assert from "uvu/assert";
import { roleMeans } from "../../src/report/roles.js";
import type { TokenScore } from "../../src/study/queries/scores.js";

const question = (sample: string, tokens: string[], answer: number, incorrect: number, scores: (number | null)[][]) =>
  scores.flatMap((row, layer) =>
    row.map(
      (score, position): TokenScore => ({
        sample,
        layer,
        position,
        score,
        tokens,
        answer_token: answer,
        incorrect_token: incorrect,
      }),
    ),
  );

test("means by what a token is in its question, whatever the order of the answers", () => {
  const scores = [
    ...question("a", ["[CLS]", "dog", "red", "or", "blue"], 2, 4, [
      [0, 0.5, 1, 0, 0.25],
      [0, 0, 2, 0, 0],
    ]),
    ...question("b", ["[CLS]", "cat", "green", "or", "red"], 4, 2, [
      [0, 1.5, 0.75, 0, 3],
      [1, 0, 0, 0, 4],
    ]),
    ...question("c", ["[CLS]", "cat", "green", "or", "red"], 4, 2, [
      [null, null, null, null, null],
      [null, null, null, null, null],
    ]),
  ];
  const { samples, degenerate, roles, means } = roleMeans(scores);
  assert.equal([samples, degenerate], [2, 1]);
  assert.equal(roles, ["[CLS]", "other words", "cat", "correct answer", "or", "incorrect answer"]);
  const at = (layer: number, role: string) => means[layer]![roles.indexOf(role)];
  assert.is(at(0, "correct answer"), 2);
  assert.is(at(1, "correct answer"), 3);
  assert.is(at(0, "incorrect answer"), 0.5);
  assert.is(at(0, "cat"), 1.5);
  assert.is(at(0, "other words"), 0.5);
  assert.is(at(1, "[CLS]"), 0.5);
});

test("nothing patched is no map", () => {
  assert.equal(roleMeans([]), { samples: 0, degenerate: 0, roles: [], means: [] });
});

test.run();
