import * as tf from "@tensorflow/tfjs-core";
import { tapedCalls, type WasmCalls } from "./wasm-calls.js";

// Projections, norms, GELU and attention of wasm-calls.ts as kernels, while gradients are taken: each is one node of the
// tape, where the ops in its place are several. Weights are no inputs, since nothing has a gradient towards them.

interface Node<Given> {
  readonly inputs: readonly string[];
  /** Whether the way back needs the inputs. */
  readonly saves: boolean;
  forward(calls: WasmCalls, inputs: readonly tf.Tensor[], given: Given): tf.Tensor;
  /** The gradient towards each input. */
  backward(calls: WasmCalls, dy: tf.Tensor, inputs: readonly tf.Tensor[], given: Given): readonly tf.Tensor[];
}

/** What puts such a node on the tape; it gives nothing where the backend has no calls. */
function node<Given extends object>(kernelName: string, { inputs, saves, forward, backward }: Node<Given>) {
  const register = () => {
    tf.registerKernel({
      kernelName,
      backendName: "wasm",
      kernelFunc: ({ inputs: named, attrs }) =>
        forward(
          tapedCalls()!,
          inputs.map((name) => named[name] as tf.Tensor),
          attrs as unknown as Given,
        ),
    });
    tf.registerGradient({
      kernelName,
      inputsToSave: saves ? [...inputs] : [],
      gradFunc: (dy, saved, attrs) => {
        const found = tf.tidy(() => [...backward(tapedCalls()!, dy as tf.Tensor, saved, attrs as unknown as Given)]);
        return Object.fromEntries(inputs.map((name, i) => [name, () => found[i]!]));
      },
    });
  };
  return (given: Given, ...tensors: readonly tf.Tensor[]): tf.Tensor | undefined => {
    if (!tapedCalls()) return undefined;
    if (!tf.getKernel(kernelName, "wasm")) register();
    const named = Object.fromEntries(inputs.map((name, i) => [name, tensors[i]!]));
    return tf.engine().runKernel(kernelName, named, given as tf.NamedAttrMap) as tf.Tensor;
  };
}

/**
 * x W + b, as `shape`; `from` is the shape of x. The way back reads the matrix from its `source` again: one that is kept
 * in 16 bits is not held wide until then.
 */
export const tapedLinear = node<{
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor | undefined;
  readonly source: { readonly weight: tf.Tensor };
  readonly from: readonly number[];
  readonly shape: readonly number[];
}>("NoticeLinear", {
  inputs: ["x"],
  saves: false,
  forward: (calls, [x], { weight, bias, shape }) => calls.linear(x!, weight, bias, shape),
  backward: (calls, dy, _, { source, from }) => [calls.linearBackward(dy, source.weight, from)],
});

/** Over the last axis. */
export const tapedNorm = node<{
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
  readonly epsilon: number;
}>("NoticeLayerNorm", {
  inputs: ["x"],
  saves: true,
  forward: (calls, [x], { weight, bias, epsilon }) => calls.layerNorm(x!, { weight, bias }, epsilon),
  backward: (calls, dy, [x], { weight, epsilon }) => [calls.layerNormBackward(x!, weight, dy, epsilon)],
});

/** x Φ(x) */
export const tapedGelu = node<object>("NoticeGelu", {
  inputs: ["x"],
  saves: true,
  forward: (calls, [x]) => calls.gelu(x!),
  backward: (calls, dy, [x]) => [calls.geluBackward(x!, dy)],
});

/** Attention, as `WasmCalls.attend`: what it computes is smaller than its pattern, so that is computed again. */
export const tapedAttention = node<{ readonly block: number }>("NoticeAttention", {
  inputs: ["q", "k", "v"],
  saves: true,
  forward: (calls, [q, k, v], { block }) => calls.attend(q!, k!, v!, block),
  backward: (calls, dy, [q, k, v], { block }) => calls.attendBackward(q!, k!, v!, dy, block),
});
