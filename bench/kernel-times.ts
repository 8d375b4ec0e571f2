import * as tf from "@tensorflow/tfjs-core";

/** What one kernel took with arguments of one shape. */
export interface KernelTime {
  readonly kernel: string;
  /** Of its inputs, such as "[2364,576] [576,1536]". */
  readonly shapes: string;
  calls: number;
  /** Of computing. */
  seconds: number;
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
  const backendName = tf.getBackend();
  const kernels = tf.getKernelsForBackend(backendName);
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, backendName);
    const kernelFunc: tf.KernelFunc = (given) => {
      const began = computed();
      const result = kernel.kernelFunc(given);
      const seconds = computed() - began;
      const inputs = Object.values(given.inputs) as (tf.TensorInfo | undefined)[];
      const shapes = inputs.map((input) => `[${input?.shape ?? ""}]`).join(" ");
      const key = `${kernel.kernelName} ${shapes}`;
      const time = times.get(key) ?? { kernel: kernel.kernelName, shapes, calls: 0, seconds: 0 };
      times.set(key, { ...time, calls: time.calls + 1, seconds: time.seconds + seconds });
      return result;
    };
    tf.registerKernel({ ...kernel, kernelFunc });
  }
  const began = computed();
  try {
    await work();
  } finally {
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, backendName);
      tf.registerKernel(kernel);
    }
  }
  return { seconds: computed() - began, kernels: [...times.values()] };
}

/** Seconds of the processor by this process, which other work on the machine does not add to. */
function computed(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
