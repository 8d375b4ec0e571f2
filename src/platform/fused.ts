// Kernels that do in one step what takes TensorFlow.js several. A backend that has them registers them under these
// names; elsewhere the steps are taken one by one.

/**
 * x W + b, or GELU of it where the attribute `gelu` is true. Inputs: `a` [rows, in], `b` [in, out], `bias` [out]; float32.
 */
export const FUSED_LINEAR = "FusedLinear";

/** LayerNorm over the last axis. Inputs: `x` [rows, width] or with a batch, `weight` and `bias` [width]; `epsilon`. */
export const FUSED_NORM = "FusedNorm";

/** Softmax over the last axis. Input: `x`. */
export const FUSED_SOFTMAX = "FusedSoftmax";
