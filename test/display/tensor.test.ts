import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tensorText } from "../../src/display/tensor.js";
import { useBackend } from "../../src/platform/backend.js";

test.before(async () => {
  await useBackend("cpu");
});

function text(tensor: tf.Tensor): string {
  try {
    return tensorText(tensor);
  } finally {
    tensor.dispose();
  }
}

test("dtype, shape, least, mean and largest value, and small tensors whole", () => {
  assert.is(
    text(tf.tensor2d([1, -2.5, 3, 4.125], [2, 2])),
    "float32 [2, 2], min -2.5, mean 1.41, max 4.13\n     1  -2.5\n     3  4.13",
  );
  assert.is(text(tf.scalar(7, "int32")), "int32 [], min 7, mean 7, max 7\n  7");
  assert.is(text(tf.zeros([0, 3])), "float32 [0, 3]");
});

test("of large ones the corners", () => {
  const lines = text(tf.reshape(tf.range(0, 2 * 3 * 10 * 20), [2, 3, 10, 20])).split("\n");
  assert.is(lines[0], "float32 [2, 3, 10, 20], min 0, mean 600, max 1199");
  assert.is(lines[1], "  [0, 0, :, :]");
  assert.is(lines[2]!.trim().split(/\s+/).join(" "), "0 1 2 … 17 18 19");
  assert.is(lines[5]!.trim().split(/\s+/).join(" "), "… … … … … … …");
  assert.is(lines[9], "  [1, 2, :, :]");
  assert.is(lines.at(-1)!.trim().split(/\s+/).join(" "), "1180 1181 1182 … 1197 1198 1199");
  assert.is(lines.length, 1 + 2 * 8);
});

test("what is not finite is counted and left out of the mean", () => {
  assert.match(text(tf.tensor1d([1, Number.NaN, 3, Number.POSITIVE_INFINITY])), /min 1, mean 2, max 3, 2 not finite/);
});

test("texts are quoted, disposed tensors only named", () => {
  assert.is(text(tf.tensor1d(["a", "\x1b[2J"])), 'string [2]\n     "a"  "\uFFFD[2J"');
  const gone = tf.scalar(1);
  gone.dispose();
  assert.is(tensorText(gone), "float32 [], disposed of");
});

test.run();
