import * as tf from "@tensorflow/tfjs-core";

// Wasm's gather goes number by number: 60 ns each, where a row's copy takes as long for a thousand (docs/performance.md).

/** The kernel's name: [row, …] -> [index, …]. */
export const TAKE_ROWS = "TakeRows";

/** What the kernel needs of the wasm backend of TensorFlow.js 4.22. */
interface WasmBackend extends tf.KernelBackend {
  readonly wasm: { readonly HEAPU8: Uint8Array };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
}

/** Rows of a float32 tensor by their numbers, [row, …] -> [number of rows, …]: itself where they are all, in order. */
export function takeRows(x: tf.Tensor, rows: readonly number[]): tf.Tensor {
  if (rows.length === x.shape[0] && rows.every((row, at) => row === at)) return tf.clone(x);
  if (tf.getBackend() !== "wasm") return tf.gather(x, tf.tensor1d([...rows], "int32"));
  if (!tf.getKernel(TAKE_ROWS, "wasm")) register();
  return tf.engine().runKernel(TAKE_ROWS, { x }, { rows: [...rows] }) as tf.Tensor;
}

function register(): void {
  tf.registerKernel({
    kernelName: TAKE_ROWS,
    backendName: "wasm",
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x } = inputs as { x: tf.TensorInfo };
      const { rows } = attrs as unknown as { readonly rows: readonly number[] };
      const wasm = backend as WasmBackend;
      const out = wasm.makeOutput([rows.length, ...x.shape.slice(1)], "float32");
      const [from, to] = [x, out].map(({ dataId }) => wasm.dataIdMap.get(dataId).memoryOffset) as [number, number];
      const size = 4 * x.shape.slice(1).reduce((product, side) => product * side, 1);
      const { HEAPU8 } = wasm.wasm;
      for (const [at, row] of rows.entries())
        HEAPU8.copyWithin(to + at * size, from + row * size, from + (row + 1) * size);
      return out;
    },
  });
  tf.registerGradient({
    kernelName: TAKE_ROWS,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => {
      const { rows } = attrs as unknown as { readonly rows: readonly number[] };
      return { x: () => tf.unsortedSegmentSum(dy as tf.Tensor, tf.tensor1d([...rows], "int32"), x!.shape[0]!) };
    },
  });
}
