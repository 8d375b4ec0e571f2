import * as tf from "@tensorflow/tfjs-core";
import { batchedMatMul } from "./products.js";

// tfjs-core registers no gradients, and its own registrations are modules that only a bundler can import. These are the
// gradients of the kernels that a pass is made of, towards activations; none is wanted towards weights or embeddings.

type Input = () => tf.Tensor;
type Gradient = (dy: tf.Tensor, saved: tf.Tensor[], attributes: tf.NamedAttrMap) => Record<string, Input>;

/** What broadcasting spread over `dy` is summed up again. */
function unbroadcast(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, [...shape]);
}

/** The gradient of a reduction, spread over what was reduced. */
function spread(dy: tf.Tensor, x: tf.Tensor, axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], x.shape);
  const kept = x.shape.map((side, i) => (axes.includes(i) ? 1 : side));
  return tf.mul(tf.reshape(dy, kept), tf.ones(x.shape));
}

/** Transposed products are slow on wasm (docs/decisions.md): there the factor is transposed first. */
function productGradient(dy: tf.Tensor, [a, b]: tf.Tensor[], attributes: tf.NamedAttrMap): Record<string, Input> {
  if (attributes.transposeA) throw new Error("No pass has products whose first factor is transposed.");
  if (attributes.transposeB) return { a: () => tf.matMul(dy, b!), b: () => tf.matMul(dy, a!, true, false) };
  const wasm = tf.getBackend() === "wasm";
  const turned = (x: tf.Tensor) => tf.transpose(x, [...x.shape.keys()].slice(0, -2).concat(x.rank - 1, x.rank - 2));
  const product = (x: tf.Tensor, y: tf.Tensor) => (x.rank === 3 ? batchedMatMul(x, y) : tf.matMul(x, y));
  return {
    a: () => (wasm ? product(dy, turned(b!)) : tf.matMul(dy, b!, false, true)),
    b: () => (wasm ? product(turned(a!), dy) : tf.matMul(a!, dy, true, false)),
  };
}

const GRADIENTS: Record<string, { gradient: Gradient; inputs?: string[]; outputs?: boolean[] }> = {
  Add: {
    inputs: ["a", "b"],
    gradient: (dy, [a, b]) => ({ a: () => unbroadcast(dy, a!.shape), b: () => unbroadcast(dy, b!.shape) }),
  },
  Sub: {
    inputs: ["a", "b"],
    gradient: (dy, [a, b]) => ({ a: () => unbroadcast(dy, a!.shape), b: () => unbroadcast(tf.neg(dy), b!.shape) }),
  },
  Multiply: {
    inputs: ["a", "b"],
    gradient: (dy, [a, b]) => ({
      a: () => unbroadcast(tf.mul(dy, b!), a!.shape),
      b: () => unbroadcast(tf.mul(dy, a!), b!.shape),
    }),
  },
  RealDiv: {
    inputs: ["a", "b"],
    gradient: (dy, [a, b]) => ({
      a: () => unbroadcast(tf.div(dy, b!), a!.shape),
      b: () => unbroadcast(tf.neg(tf.div(tf.mul(dy, a!), tf.square(b!))), b!.shape),
    }),
  },
  Neg: { gradient: (dy) => ({ x: () => tf.neg(dy) }) },
  Exp: { outputs: [true], gradient: (dy, [y]) => ({ x: () => tf.mul(dy, y!) }) },
  Log: { inputs: ["x"], gradient: (dy, [x]) => ({ x: () => tf.div(dy, x!) }) },
  Square: { inputs: ["x"], gradient: (dy, [x]) => ({ x: () => tf.mul(dy, tf.mul(x!, 2)) }) },
  Rsqrt: { outputs: [true], gradient: (dy, [y]) => ({ x: () => tf.mul(dy, tf.mul(tf.mul(tf.square(y!), y!), -0.5)) }) },
  Erf: {
    inputs: ["x"],
    gradient: (dy, [x]) => ({ x: () => tf.mul(dy, tf.mul(tf.exp(tf.neg(tf.square(x!))), 2 / Math.sqrt(Math.PI))) }),
  },
  Sum: { inputs: ["x"], gradient: (dy, [x], { axis }) => ({ x: () => spread(dy, x!, axis) }) },
  Mean: {
    inputs: ["x"],
    gradient: (dy, [x], { axis }) => ({ x: () => spread(tf.mul(dy, dy.size / x!.size), x!, axis) }),
  },
  Softmax: {
    outputs: [true],
    gradient: (dy, [y]) => ({
      logits: () => {
        const weighted = tf.mul(dy, y!);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y!));
      },
    }),
  },
  BatchMatMul: { inputs: ["a", "b"], gradient: productGradient },
  Cast: { gradient: (dy) => ({ x: () => dy }) },
  Identity: { gradient: (dy) => ({ x: () => dy }) },
  Reshape: { inputs: ["x"], gradient: (dy, [x]) => ({ x: () => tf.reshape(dy, x!.shape) }) },
  ExpandDims: { inputs: ["input"], gradient: (dy, [x]) => ({ input: () => tf.reshape(dy, x!.shape) }) },
  Transpose: {
    gradient: (dy, _, { perm }) => ({
      x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm as number[])),
    }),
  },
  Slice: {
    inputs: ["x"],
    gradient: (dy, [x], { begin }) => ({
      x: () =>
        tf.pad(
          dy,
          (begin as number[]).map((at, i) => [at, x!.shape[i]! - at - dy.shape[i]!]),
        ),
    }),
  },
};

/** Makes passes differentiable. Gradients that somebody else has registered stay. */
export function registerGradients(): void {
  for (const [kernelName, { gradient, inputs, outputs }] of Object.entries(GRADIENTS))
    if (!tf.getGradient(kernelName))
      tf.registerGradient({
        kernelName,
        inputsToSave: inputs,
        outputsToSave: outputs,
        gradFunc: (dy, saved, attributes) => gradient(dy as tf.Tensor, saved, attributes),
      });
}
