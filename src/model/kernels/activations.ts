import * as tf from "@tensorflow/tfjs-core";
import { gelu } from "./linear.js";

// The activations of the towers of SigLIP, CLIP and Llama, each with its derivative.

/** A function of every number of a tensor. */
export type Activation = (x: tf.Tensor) => tf.Tensor;

function withGradient(value: Activation, slope: Activation): Activation {
  return tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: tf.tidy(() => value(x as tf.Tensor)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, slope(saved[0]!)),
    };
  });
}

/** x σ(s x). */
function swish(s: number): Activation {
  const gateOf = (x: tf.Tensor) => tf.sigmoid(s === 1 ? x : tf.mul(x, s));
  return withGradient(
    (x) => tf.mul(x, gateOf(x)),
    (x) => {
      const gate = gateOf(x);
      return tf.add(gate, tf.mul(tf.mul(tf.mul(x, s), gate), tf.sub(1, gate)));
    },
  );
}

/** x σ(x), of Llama's gate. */
export const silu = swish(1);

/** x σ(1.702 x), CLIP's approximation of GELU. */
export const quickGelu = swish(1.702);

const SCALE = Math.sqrt(2 / Math.PI);
const CUBE = 0.044715;
const inner = (x: tf.Tensor) => tf.tanh(tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), CUBE)), SCALE));

/** GELU by tanh, SigLIP's. */
export const geluTanh = withGradient(
  (x) => tf.mul(tf.mul(x, 0.5), tf.add(inner(x), 1)),
  (x) => {
    const t = inner(x);
    const slope = tf.mul(tf.add(tf.mul(tf.square(x), 3 * CUBE), 1), SCALE);
    return tf.mul(tf.add(tf.add(t, 1), tf.mul(tf.mul(x, tf.sub(1, tf.square(t))), slope)), 0.5);
  },
);

/** By their names in `hidden_act` of config.json. */
export const ACTIVATIONS = { gelu, gelu_pytorch_tanh: geluTanh, quick_gelu: quickGelu, silu } as const;

/** The name of one of them. */
export type ActivationName = keyof typeof ACTIVATIONS;
