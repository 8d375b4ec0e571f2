import * as tf from "@tensorflow/tfjs-core";

/** What one kernel took with arguments of one shape. */
export interface KernelTime {
  readonly kernel: string;
  /** Of its inputs, such as "[270,18,576] [576,1536]". */
  readonly shapes: string;
  calls: number;
  seconds: number;
}

/**
 * Seconds in each kernel of the backend while `work` runs, the longest first. Native and wasm kernels have computed
 * when they return. A kernel that calls another has the other's time too.
 */
export async function kernelTimes(work: () => Promise<unknown>): Promise<KernelTime[]> {
  const times = new Map<string, KernelTime>();
  const backendName = tf.getBackend();
  const kernels = tf.getKernelsForBackend(backendName);
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, backendName);
    const kernelFunc: tf.KernelFunc = (given) => {
      const began = performance.now();
      const result = kernel.kernelFunc(given);
      const seconds = (performance.now() - began) / 1e3;
      const shapes = Object.values(given.inputs)
        .map((input) => `[${(input as tf.TensorInfo)?.shape ?? ""}]`)
        .join(" ");
      const key = `${kernel.kernelName} ${shapes}`;
      const time = times.get(key) ?? { kernel: kernel.kernelName, shapes, calls: 0, seconds: 0 };
      time.calls++;
      time.seconds += seconds;
      times.set(key, time);
      return result;
    };
    tf.registerKernel({ ...kernel, kernelFunc });
  }
  try {
    await work();
  } finally {
    for (const kernel of kernels) {
      tf.unregisterKernel(kernel.kernelName, backendName);
      tf.registerKernel(kernel);
    }
  }
  return [...times.values()].sort((one, other) => other.seconds - one.seconds);
}
