import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { random } from "../base/random.js";

/** Far beyond it pixels overflow float32; pictures have values of 2. */
export const MOST_SIGMA = 1000;

/** Independent Gaussian noise on every value of a picture. */
export interface GaussianNoise {
  /**
   * Standard deviation, in units of the normalised pixels: 1 is one standard deviation of CLIP's pictures, about 0.27
   * of white.
   */
  readonly sigma: number;
  /** Equal seeds give equal noise. */
  readonly seed: number;
}

/**
 * A picture with noise on it: the corruption that semantic pairs stand in for (NOTICE, section 1), as a baseline. Equal
 * seeds give equal noise; nothing is clipped, so the values' mean stays.
 *
 * @param pixels normalised, [1, height, width, 3] or its values; they stay as they are.
 * @returns of the same shape. A tensor is the caller's to dispose of.
 * @throws NoticeError `options` where sigma is not above 0, or above 1000, or the seed no number, `image` where the
 * tensor is of another rank.
 */
export function gaussianNoise(pixels: tf.Tensor4D, noise: GaussianNoise): tf.Tensor4D;
export function gaussianNoise(pixels: Float32Array, noise: GaussianNoise): Float32Array;
export function gaussianNoise(pixels: tf.Tensor4D | Float32Array, noise: GaussianNoise): tf.Tensor4D | Float32Array {
  checkShape("gaussianNoise", noise, { such: "{ sigma: 1, seed: 0 }", keys: ["sigma", "seed"] });
  const { sigma, seed } = noise;
  if (!(sigma > 0 && sigma <= MOST_SIGMA))
    throw new NoticeError("options", `sigma is ${sigma}; a number above 0 was expected, at most ${MOST_SIGMA}.`);
  if (!Number.isFinite(seed)) throw new NoticeError("options", `seed is ${seed}; a number was expected.`);
  if (pixels instanceof Float32Array) {
    const draws = normals(pixels.length, seed);
    return pixels.map((value, i) => value + sigma * draws[i]!);
  }
  if (!(pixels instanceof tf.Tensor) || pixels.rank !== 4)
    throw new NoticeError(
      "image",
      "Pixels [1, height, width, 3] or their values were expected; `model.pixels` makes them.",
    );
  return tf.tidy(() =>
    tf.add<tf.Tensor4D>(pixels, tf.mul(sigma, tf.tensor4d(normals(pixels.size, seed), pixels.shape))),
  );
}

/** Draws of the standard normal distribution (Box and Muller 1958). */
function normals(count: number, seed: number): Float32Array {
  const { next } = random(seed, "gaussian");
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - next())); // next() may be 0, never 1
    const angle = 2 * Math.PI * next();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
