import * as tf from "@tensorflow/tfjs-core";

/** Further apart than rounding puts two right backends. */
export const TOLERANCE = 1e-4;

/** What a block is made of: products, attention, LayerNorm, GELU, a gather, on numbers of a fixed seed. [16, 64] */
function sample(): tf.Tensor {
  const random = (shape: [number, number], seed: number) => tf.randomUniform(shape, -1, 1, "float32", seed);
  const x = random([16, 64], 1);
  const heads = (weights: tf.Tensor) => tf.transpose(tf.reshape(tf.matMul(x, weights), [16, 4, 16]), [1, 0, 2]);
  const [q, k, v] = [2, 3, 4].map((seed) => heads(random([64, 64], seed))) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const pattern = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 0.25));
  const mixed = tf.add(x, tf.reshape(tf.transpose(tf.matMul(pattern, v), [1, 0, 2]), [16, 64]));
  const { mean, variance } = tf.moments(mixed, -1, true);
  const norm = tf.mul(tf.sub(mixed, mean), tf.rsqrt(tf.add(variance, 1e-5)));
  const gelu = tf.mul(norm, tf.mul(0.5, tf.add(1, tf.erf(tf.mul(norm, Math.SQRT1_2)))));
  return tf.gather(gelu, tf.tensor1d([3, 0, 15, 7, 7, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13], "int32"));
}

/**
 * How far two backends are apart on what a block is made of; both must be registered. The first is in use afterwards.
 *
 * @returns the largest difference; NaN where one of them gives NaN.
 */
export async function differenceBetween(backend: string, reference: string): Promise<number> {
  const values: Float32Array[] = [];
  for (const name of [reference, backend]) {
    await tf.setBackend(name);
    const found = tf.tidy(sample);
    values.push((await found.data()) as Float32Array);
    found.dispose();
  }
  const [expected, found] = values as [Float32Array, Float32Array];
  return largestDifference(found, expected);
}

/** NaN where there is one. */
export function largestDifference(found: Float32Array, expected: Float32Array): number {
  return found.reduce((most, value, i) => {
    const difference = Math.abs(value - expected[i]!);
    return difference > most || Number.isNaN(difference) ? difference : most;
  }, 0);
}
