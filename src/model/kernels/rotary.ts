import * as tf from "@tensorflow/tfjs-core";

/**
 * Rotary positions (Su et al. 2104.09864), in halves as in Llama: x cos + (−x₂, x₁) sin, frequencies θ^(−2i/headDim).
 */
export interface Rotary {
  /** θ */
  readonly base: number;
}

/**
 * Queries or keys turned by their positions, [batch, token, head, headDim], with the turn back as its derivative.
 *
 * @param first position of the first token.
 */
export function rotate(x: tf.Tensor, first: number, { base }: Rotary): tf.Tensor {
  const [, tokens, , headDim] = x.shape as [number, number, number, number];
  return tf.customGrad((x) => {
    const turned = (values: tf.Tensor, direction: 1 | -1) =>
      tf.tidy(() => {
        const [cos, sin] = angles(tokens, headDim, first, base);
        const half = headDim / 2;
        const left = tf.slice(values, [0, 0, 0, 0], [-1, -1, -1, half]);
        const right = tf.slice(values, [0, 0, 0, half], [-1, -1, -1, half]);
        const across = tf.concat([tf.neg(right), left], -1);
        return tf.add(tf.mul(values, cos), tf.mul(across, direction === 1 ? sin : tf.neg(sin)));
      });
    return { value: turned(x as tf.Tensor, 1), gradFunc: (dy: tf.Tensor) => turned(dy, -1) };
  })(x);
}

/** cos and sin of the angle of each token and dimension, [token, 1, headDim]. */
function angles(tokens: number, headDim: number, first: number, base: number): [tf.Tensor, tf.Tensor] {
  const key = [tokens, headDim, first, base].join();
  const [cos, sin] = known.get(key) ?? computed(tokens, headDim, first, base);
  if (!known.has(key) && known.size === MOST_KNOWN) known.delete(known.keys().next().value!);
  known.set(key, [cos, sin]);
  return [tf.tensor3d(cos, [tokens, 1, headDim]), tf.tensor3d(sin, [tokens, 1, headDim])];
}

/** Every layer asks for the same angles: of the latest rows and pasts they are kept. */
const known = new Map<string, readonly [cos: Float32Array, sin: Float32Array]>();
const MOST_KNOWN = 8;

function computed(tokens: number, headDim: number, first: number, base: number): [Float32Array, Float32Array] {
  const half = headDim / 2;
  const [cos, sin] = [new Float32Array(tokens * headDim), new Float32Array(tokens * headDim)];
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(1 / Math.fround(base ** ((2 * i) / headDim)));
    for (let token = 0; token < tokens; token++) {
      const at = token * headDim + i;
      cos[at] = cos[at + half] = Math.cos((first + token) * frequency);
      sin[at] = sin[at + half] = Math.sin((first + token) * frequency);
    }
  }
  return [cos, sin];
}
