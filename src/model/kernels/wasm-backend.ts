import type * as tf from "@tensorflow/tfjs-core";

/** What kernels of our own use of the wasm backend of TensorFlow.js 4.22. */
export interface WasmBackend extends tf.KernelBackend {
  readonly wasm: {
    cwrap(name: string, returns: null, parameters: readonly string[]): (...given: unknown[]) => void;
    readonly HEAPU8: Uint8Array;
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    readonly tfjs: { registerTensor(id: number, size: number, offset: number): void; disposeData(id: number): void };
  };
  readonly dataIdMap: { get(dataId: object): { readonly id: number; readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
}
