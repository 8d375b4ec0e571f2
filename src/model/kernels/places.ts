import * as tf from "@tensorflow/tfjs-core";
import { blend } from "./values.js";

/**
 * Rows put among others, in order.
 *
 * @param x [batch, token, width] @param rows [batch, place, width], of as many passes or a whole number of times as
 * many.
 * @param places their positions in x.
 */
export function placeRows(x: tf.Tensor, rows: tf.Tensor, places: readonly number[]): tf.Tensor {
  const [, tokens] = x.shape as [number, number];
  const [batch, count, width] = rows.shape as [number, number, number];
  return tf.tidy(() => {
    const where = new Float32Array(tokens);
    const from = new Int32Array(tokens);
    places.slice(0, count).forEach((place, i) => {
      where[place] = 1;
      from[place] = i;
    });
    const spread = tf.gather(rows, tf.tensor1d(from, "int32"), 1); // [batch, token, width]
    return blend(x, tf.reshape(spread, [batch, tokens, width]), tf.tensor3d(where, [1, tokens, 1]));
  });
}
