import * as tf from "@tensorflow/tfjs-core";

/** Has these kernels of the backend computed by what `wrapped` makes of them, while `work` runs. */
export async function withKernels(
  kernels: readonly tf.KernelConfig[],
  wrapped: (kernel: tf.KernelConfig) => tf.KernelFunc,
  work: () => Promise<unknown>,
): Promise<void> {
  const put = (kernel: tf.KernelConfig) => {
    tf.unregisterKernel(kernel.kernelName, kernel.backendName);
    tf.registerKernel(kernel);
  };
  for (const kernel of kernels) put({ ...kernel, kernelFunc: wrapped(kernel) });
  try {
    await work();
  } finally {
    for (const kernel of kernels) put(kernel);
  }
}
