import * as tf from "@tensorflow/tfjs-core";
import { WasmCalls } from "../src/model/kernels/wasm-calls.js";
import { withKernels } from "./kernels.js";

/** What one kernel took with arguments of one shape. */
export interface KernelTime {
  readonly kernel: string;
  /** Of its inputs, such as "[2364,576] [576,1536]". */
  readonly shapes: string;
  readonly calls: number;
  /** Of computing. */
  readonly seconds: number;
}

/** What a process with `--profile` prints. */
export interface Profile {
  /** Of all of it, kernels or not. */
  readonly seconds: number;
  readonly kernels: readonly KernelTime[];
}

/**
 * Seconds of computing in each kernel of the backend while `work` runs. Native and wasm kernels have computed when they
 * return. What a kernel of ours calls is counted in both.
 */
export async function kernelTimes(work: () => Promise<unknown>): Promise<Profile> {
  const times = new Map<string, KernelTime>();
  const timed = <Result>(
    kernel: string,
    inputs: readonly (tf.TensorInfo | undefined)[],
    call: () => Result,
  ): Result => {
    const began = computed();
    const result = call();
    const seconds = computed() - began;
    const shapes = inputs.map((input) => `[${input?.shape ?? ""}]`).join(" ");
    const key = `${kernel} ${shapes}`;
    const time = times.get(key) ?? { kernel, shapes, calls: 0, seconds: 0 };
    times.set(key, { ...time, calls: time.calls + 1, seconds: time.seconds + seconds });
    return result;
  };
  const timing =
    ({ kernelName, kernelFunc }: tf.KernelConfig): tf.KernelFunc =>
    (given) =>
      timed(kernelName, Object.values(given.inputs), () => kernelFunc(given));
  const restore = timeCalls(timed);
  const began = computed();
  try {
    await withKernels(tf.getKernelsForBackend(tf.getBackend()), timing, work);
  } finally {
    restore();
  }
  return { seconds: computed() - began, kernels: [...times.values()] };
}

type Timed = <Result>(kernel: string, inputs: readonly tf.TensorInfo[], call: () => Result) => Result;

/** The same of calls that go past the engine. @returns what undoes it. */
function timeCalls(timed: Timed): () => void {
  const names = ["linear", "layerNorm", "gelu", "products", "attend"] as const;
  const calls = WasmCalls.prototype as unknown as Record<string, (...given: unknown[]) => tf.Tensor>;
  const before = names.map((name) => [name, calls[name]!] as const);
  for (const [name, call] of before)
    calls[name] = function (this: unknown, ...given) {
      const inputs = given.filter((one) => one instanceof tf.Tensor);
      return timed(name, inputs, () => call.apply(this, given));
    };
  return () => {
    for (const [name, call] of before) calls[name] = call;
  };
}

/** Seconds of the processor by this process, which other work on the machine does not add to. */
export function computed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
