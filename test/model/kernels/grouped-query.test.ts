import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { KeysValues } from "../../../src/model/kernels/attention.js";
import { groupedQueryAttention } from "../../../src/model/kernels/grouped-query.js";
import type { Given } from "../../../src/model/kernels/values.js";
import { useBackend } from "../../../src/platform/backend.js";
import { difference } from "../../support/fixture.js";

const [HEADS, GROUPS, HEAD_DIM, WIDTH] = [4, 2, 8, 16];
const [BATCH, QUERIES, BEFORE] = [70, 6, 3000]; // 5 million scores: cut into pieces on every backend

test.before(async () => {
  await useBackend();
});

const random = (seed: number, ...shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", seed);

function attention(x: tf.Tensor, past: KeysValues, given?: Given<"pattern">) {
  const matrix = (seed: number, inside: number, outside: number) => ({ weight: random(seed, inside, outside) });
  const weights = {
    query: matrix(1, WIDTH, HEADS * HEAD_DIM),
    key: matrix(2, WIDTH, GROUPS * HEAD_DIM),
    value: matrix(3, WIDTH, GROUPS * HEAD_DIM),
    output: matrix(4, HEADS * HEAD_DIM, WIDTH),
  };
  const options = { heads: HEADS, keyValueHeads: GROUPS, rotary: { base: 10_000 }, past: [past], given };
  return groupedQueryAttention(weights, () => x, options);
}

test("attention of many patches, cut into pieces, equals that by each patch's pattern", () => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const x = random(5, BATCH, QUERIES, WIDTH);
    const past = { k: random(6, 1, BEFORE, GROUPS, HEAD_DIM), v: random(7, 1, BEFORE, GROUPS, HEAD_DIM) };
    const together = attention(x, past).z;
    for (const patch of [0, 30, 57, BATCH - 1]) {
      const alone = tf.slice(x, [patch, 0, 0], [1, -1, -1]);
      const values = attention(alone, past).pattern;
      const byPattern = attention(alone, past, { pattern: { values } }).z;
      const apart = difference(tf.slice(together, [patch, 0, 0, 0], [1, -1, -1, -1]), byPattern);
      assert.ok(apart <= 1e-5, `patch ${patch}: ${apart}`);
    }
  });
  assert.is(tf.memory().numTensors, before);
});

test.run();
