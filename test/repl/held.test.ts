import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import { useBackend } from "../../src/platform/backend.js";
import { Held, tensorsIn } from "../../src/repl/held.js";
import { NARROW, samplePair } from "../support/samples.js";

const alive = () => tf.memory().numTensors;

test("a tensor is freed once no variable reaches it", async () => {
  await useBackend();
  const before = alive();
  const held = new Held();
  const [a, b, c] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
  held.update([a, { list: [b, new Map([["c", c]])] }]);
  held.update([a, b, c]);
  assert.is(alive(), before + 3, "reached another way");
  held.update([[b]]);
  assert.equal([a.isDisposed, b.isDisposed, c.isDisposed], [true, false, true]);
  b.dispose();
  held.update([]);
  assert.is(alive(), before);
});

test("a pair is freed with its passes, but not what is still held of it", async () => {
  const before = alive();
  const held = new Held();
  const blip = await loadBlip(NARROW);
  const pair = await samplePair(blip, "image");
  const { logits } = pair.clean;
  held.update([blip, pair, logits]);
  held.update([blip, pair]);
  assert.not.ok(logits.isDisposed, "it belongs to a pass that is still held");
  held.update([pair.clean]);
  assert.ok(pair.corrupted.logits.isDisposed);
  const z = pair.clean.at("text.cross.z", { layer: 1 });
  assert.ok(z.size > 0, "the pass keeps its model");
  held.update([z]);
  assert.is(alive(), before + 1);
  held.update([]);
  assert.is(alive(), before);
});

test("circles and what is no container are passed over", () => {
  const circle: { self?: unknown; tensor: tf.Tensor } = { tensor: tf.scalar(1) };
  circle.self = circle;
  assert.equal([...tensorsIn([circle, "text", null, new Date(), () => circle])], [circle.tensor]);
  circle.tensor.dispose();
});

test.run();
