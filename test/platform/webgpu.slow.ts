import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { attribute } from "../../src/patching/attribute.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { unfit, useBackend } from "../../src/platform/backend.js";
import { differenceBetween, TOLERANCE } from "../../src/platform/self-check.js";
import { lacking } from "../support/needed.js";
import { refused } from "../support/refused.js";

// On SwiftShader, a program that stands in for a GPU: two hundred times as slow as wasm, and right. VK_ICD_FILENAMES
// names its driver.

const DRIVER = process.env.VK_ICD_FILENAMES;

/** What a pass, a patch and a gradient say, on a backend; and that nothing of them stays. */
async function answers(backend: "wasm" | "webgpu"): Promise<number[]> {
  using blip = await loadBlip("weights/scenes", { backend });
  const { numTensors } = tf.memory();
  const found: number[] = [];
  {
    using pair = await blip.pair({
      image: "examples/star-red.png",
      corruptImage: "examples/star-blue.png",
      question: "is this star red or blue?",
      answers: ["red", "blue"],
    });
    const head = { site: "text.cross.z", layer: 0, head: 0 } as const;
    const scores = await attribute(pair, { site: "text.cross.z", layers: [0], position: "answer" });
    found.push(...(await pair.clean.logits.data()), (await patch(pair, [head])).logitDiff);
    found.push(scores.at("logitDiff", 0, 0, pair.answerToken!)!);
  }
  assert.is(tf.memory().numTensors, numTensors);
  return found;
}

if (DRIVER === undefined) lacking("gpu", "VK_ICD_FILENAMES names no driver");
else {
  test("a pass, patches and gradients are those of wasm", async () => {
    const expected = await answers("wasm");
    const found = await answers("webgpu");
    const differences = found.map((value, i) => Math.abs(value - expected[i]!));
    assert.ok(Math.max(...differences) <= TOLERANCE, `${Math.max(...differences)}`);
  });

  test("the check of a backend passes, and the automatic choice takes no software", async () => {
    await useBackend("webgpu");
    assert.ok((await differenceBetween("webgpu", "wasm")) <= TOLERANCE);
    assert.match((await unfit("webgpu")) ?? "", /swiftshader.* is no hardware/i);
  });

  test("a lost device is told, and another is taken", async () => {
    const { device } = tf.backend() as unknown as { device: { destroy(): void } };
    const values = tf.ones([2000]);
    device.destroy();
    await refused(() => tf.add(values, 1).data(), "backend", "does not answer: it was lost");
    await useBackend("webgpu");
    assert.ok((await differenceBetween("webgpu", "wasm")) <= TOLERANCE);
  });

  test.run();
}
