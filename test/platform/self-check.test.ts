import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tryBackend } from "../../src/platform/backend.js";
import { differenceBetween, TOLERANCE } from "../../src/platform/self-check.js";

test("right backends agree, and a wrong kernel is told", async () => {
  for (const backend of ["cpu", "wasm"] as const) assert.is(await tryBackend(backend), undefined);
  assert.ok((await differenceBetween("wasm", "cpu")) < 1e-5);
  const { kernelFunc } = tf.getKernel("Softmax", "cpu");
  tf.registerBackend("wrong", () => tf.findBackend("cpu"), 0);
  tf.copyRegisteredKernels("cpu", "wrong");
  for (const factor of [1.01, Number.NaN]) {
    tf.unregisterKernel("Softmax", "wrong");
    tf.registerKernel({
      kernelName: "Softmax",
      backendName: "wrong",
      kernelFunc(given) {
        const found = kernelFunc(given) as tf.TensorInfo;
        const { data } = given.backend as unknown as { data: tf.DataStorage<{ values: Float32Array }> };
        const { values } = data.get(found.dataId);
        values.set(values.map((value) => value * factor));
        return found;
      },
    });
    assert.not.ok((await differenceBetween("wrong", "wasm")) <= TOLERANCE, `${factor}`);
  }
  await tf.setBackend("wasm");
});

test.run();
