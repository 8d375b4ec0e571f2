import * as tf from "@tensorflow/tfjs-core";
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
  const timing =
    ({ kernelName, kernelFunc }: tf.KernelConfig): tf.KernelFunc =>
    (given) => {
      const began = computed();
      const result = kernelFunc(given);
      const seconds = computed() - began;
      const inputs = Object.values(given.inputs) as (tf.TensorInfo | undefined)[];
      const shapes = inputs.map((input) => `[${input?.shape ?? ""}]`).join(" ");
      const key = `${kernelName} ${shapes}`;
      const time = times.get(key) ?? { kernel: kernelName, shapes, calls: 0, seconds: 0 };
      times.set(key, { ...time, calls: time.calls + 1, seconds: time.seconds + seconds });
      return result;
    };
  const began = computed();
  await withKernels(tf.getKernelsForBackend(tf.getBackend()), timing, work);
  return { seconds: computed() - began, kernels: [...times.values()] };
}

/** Seconds of the processor by this process, which other work on the machine does not add to. */
export function computed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
