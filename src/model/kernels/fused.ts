import * as tf from "@tensorflow/tfjs-core";
import { FUSED_LINEAR, FUSED_NORM, FUSED_SOFTMAX } from "../../platform/fused.js";

// One kernel in the place of several, or a faster one, where the backend has it. The kernels have no gradient: while one
// is taken, the steps are.

const has = (kernel: string) =>
  tf.engine().state.gradientDepth === 0 && tf.getKernel(kernel, tf.getBackend()) !== undefined;

export const fusesLinear = (): boolean => has(FUSED_LINEAR);

/**
 * x W + b, or GELU of it: [rows, in] -> [rows, out]; undefined where it takes several steps.
 *
 * @param a [rows, in] @param b [in, out] @param bias [out]
 */
export function fusedLinear(a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor, { gelu = false } = {}): tf.Tensor | undefined {
  if (!fusesLinear()) return undefined;
  return tf.engine().runKernel(FUSED_LINEAR, { a, b, bias }, { gelu }) as tf.Tensor;
}

/** LayerNorm over the last axis; undefined where it takes several steps. @param x [rows, width] or with a batch. */
export function fusedNorm(
  x: tf.Tensor,
  { weight, bias }: { readonly weight: tf.Tensor; readonly bias: tf.Tensor },
  epsilon: number,
): tf.Tensor | undefined {
  if (!(x.rank === 2 || x.rank === 3) || !has(FUSED_NORM)) return undefined;
  return tf.engine().runKernel(FUSED_NORM, { x, weight, bias }, { epsilon }) as tf.Tensor;
}

/** Over the last axis. */
export function softmax(x: tf.Tensor): tf.Tensor {
  return has(FUSED_SOFTMAX) ? (tf.engine().runKernel(FUSED_SOFTMAX, { x }) as tf.Tensor) : tf.softmax(x);
}
