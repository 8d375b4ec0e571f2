import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Answers,
  answerName,
  divergence,
  logitDifference,
  measure,
  probability,
  rank,
} from "../../src/patching/metrics.js";
import { patch, patchMetrics } from "../../src/patching/patch.js";
import { useBackend } from "../../src/platform/backend.js";
import { plant } from "../support/planted.js";
import { refused } from "../support/refused.js";

const near = (found: number | null, expected: number, what: string, tolerance = 1e-5) =>
  assert.ok(Math.abs(found! - expected) <= tolerance, `${what}: ${found} where ${expected} was expected`);

const answer = (id: number) => ({ text: "", token: "", id });

test.before(async () => {
  await useBackend();
});

test("of an answer that is read by a part of it, that is said", () => {
  assert.is(answerName({ text: "Red", token: "red", id: 1 }), "Red");
  assert.is(answerName({ text: "striped", token: "stri", id: 2 }), 'striped (read as "stri")');
  // Pieces of byte-level BPE and of SentencePiece, as the text that they stand for.
  assert.is(answerName({ text: "red", token: "Ġred", id: 3 }), "red");
  assert.is(answerName({ text: "blue", token: "▁blu", id: 4 }), 'blue (read as "blu")');
  assert.is(answerName({ text: "voilà", token: "ĠvoilÃł", id: 5 }), "voilà");
  assert.is(answerName({ text: "あい", token: "ĠãģĤ", id: 6 }), 'あい (read as "あ")');
});

test("each metric on rows of which it is known", async () => {
  const third = Math.log(3);
  const logits = tf.tensor2d([
    [0, third, 0, 0], // shares 1/6, 3/6, 1/6, 1/6
    [2, 1, 0, 3],
  ]);
  const reference = tf.tensor2d([[5, 5, 5, 5]]);
  const rows = await measure(logits, {
    prob: probability(answer(1)),
    difference: logitDifference({ correct: answer(1), incorrect: answer(3) }),
    rank: rank(answer(1)),
    kl: divergence(reference),
    own: (values) => tf.max(values, -1),
  });
  near(rows[0]!.prob, 0.5, "prob");
  near(rows[0]!.difference, third, "difference");
  assert.equal([rows[0]!.rank, rows[1]!.rank], [0, 2]);
  // Σ 1/4 log(1/4 / p): three of 1/6 and one of 1/2.
  near(rows[0]!.kl, 0.75 * Math.log(6 / 4) + 0.25 * Math.log(2 / 4), "kl");
  near(rows[1]!.difference, -2, "difference");
  near(rows[1]!.own, 3, "a function of one's own");
  tf.dispose([logits, reference]);
});

test("of a patched pass: equal to the scores, and what the clean pass says where all is restored", async () => {
  using planted = await plant("single");
  const { pair, heads } = planted;
  const before = tf.memory().numTensors;
  const { correct } = pair.answers;
  const metrics = {
    difference: logitDifference(pair.answers),
    kl: divergence(pair.clean.logits),
    rank: rank(correct),
  };
  const found = await patchMetrics(pair, [heads[0]!], metrics);
  near(found.difference.effect, (await patch(pair, [heads[0]!])).effect!, "effect");
  near(found.kl.patched, 0, "divergence of the restored answer");
  near(found.kl.effect, 1, "share of the divergence");
  assert.ok(found.kl.base > 0.1);
  // Of the readout's units only the two answers' differ from the others': the corrupted pass puts the wrong one first.
  assert.equal([found.rank.base, found.rank.source, found.rank.patched, found.rank.effect], [19, 0, 0, 1]);
  const nothing = await patchMetrics(pair, [heads[0]!], metrics, { direction: "noise", source: () => tf.scalar(0) });
  near(nothing.difference.effect, 0.5, "knocked out");
  assert.is(tf.memory().numTensors, before);
});

test("a metric that is not finite is refused by name", async () => {
  const logits = tf.tensor2d([[Number.POSITIVE_INFINITY, 1]]);
  await refused(() => measure(logits, { prob: probability(answer(0)) }), "checkpoint", "prob is NaN", "overflow");
  logits.dispose();
});

test("metrics of no answer are refused where they are made", async () => {
  for (const [of, message] of [
    [() => probability(undefined!), "The answer is missing"],
    [() => rank(undefined!), "The answer is missing"],
    [() => logitDifference(undefined!), "The pair of answers is missing"],
    [() => logitDifference({} as Answers), "The answer is missing"],
  ] as const)
    await refused(of, "options", message, "give an object");
});

test.run();
