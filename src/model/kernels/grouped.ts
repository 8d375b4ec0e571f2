import * as tf from "@tensorflow/tfjs-core";
import type { WasmBackend } from "./wasm-backend.js";

// On wasm only the plain 2-D product runs on XNNPACK (about 30 GFLOP/s); the batched one is a scalar loop (2). This
// kernel calls the 2-D one for each group where it lies: slicing the groups out first would copy the whole tensor for
// each of them.

/** The kernel's name: [group, m, k] x [group, k, n] -> [group, m, n]. */
export const GROUPED_MATMUL = "GroupedMatMul";

type Product = (
  a: number,
  aShape: Uint8Array,
  aRank: number,
  b: number,
  bShape: Uint8Array,
  ...rest: unknown[]
) => void;

// Names of the views for the time of one product; the backend counts its own from 1.
const [LEFT, RIGHT, OUT] = [0x7ffffff1, 0x7ffffff2, 0x7ffffff3];

/** @param a [group, m, k] @param b [group, k, n] */
export function groupedMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  if (!tf.getKernel(GROUPED_MATMUL, "wasm")) register();
  return tf.engine().runKernel(GROUPED_MATMUL, { a, b }) as tf.Tensor;
}

function register(): void {
  let multiply: Product | undefined;
  tf.registerKernel({
    kernelName: GROUPED_MATMUL,
    backendName: "wasm",
    kernelFunc: ({ inputs, backend }) => {
      const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const wasm = backend as WasmBackend;
      multiply ??= wasm.wasm.cwrap("BatchMatMul", null, PARAMETERS) as Product;
      return multiplyGroups(wasm, multiply, a, b);
    },
  });
  tf.registerGradient({
    kernelName: GROUPED_MATMUL,
    inputsToSave: ["a", "b"],
    gradFunc: (dy, [a, b]) => ({
      a: () => groupedMatMul(dy as tf.Tensor, tf.transpose(b!, [0, 2, 1])),
      b: () => groupedMatMul(tf.transpose(a!, [0, 2, 1]), dy as tf.Tensor),
    }),
  });
}

/** a, its shape and rank; b likewise; transposeA, transposeB; the result. */
const PARAMETERS = ["number", "array", "number", "number", "array", "number", "number", "number", "number"];

function multiplyGroups(backend: WasmBackend, multiply: Product, a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo {
  const [groups, m, k] = a.shape as [number, number, number];
  const n = b.shape[2]!;
  const out = backend.makeOutput([groups, m, n], "float32");
  const { tfjs } = backend.wasm;
  const [left, right, result] = [a, b, out].map(({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset);
  const shape = (...sides: number[]) => new Uint8Array(new Int32Array(sides).buffer);
  const [leftShape, rightShape] = [shape(1, m, k), shape(1, k, n)];
  for (let group = 0; group < groups; group++) {
    tfjs.registerTensor(LEFT, m * k, left! + 4 * group * m * k);
    tfjs.registerTensor(RIGHT, k * n, right! + 4 * group * k * n);
    tfjs.registerTensor(OUT, m * n, result! + 4 * group * m * n);
    multiply(LEFT, leftShape, 3, RIGHT, rightShape, 3, 0, 0, OUT);
    // Also frees what XNNPACK keeps of the right-hand side.
    for (const view of [LEFT, RIGHT, OUT]) tfjs.disposeData(view);
  }
  return out;
}
