import { scaled } from "./elementwise";
import { multiply } from "./multiply";

/**
 * Scores of attention: q [context, row, head, dim] and k [context, key, head, dim] -> [context, head, row, key], q
 * scaled.
 *
 * @param scratch dim x (row + key) numbers. @param panels dim x key numbers, or 0.
 */
export function scores(
  q: usize,
  k: usize,
  out: usize,
  scratch: usize,
  panels: usize,
  contexts: usize,
  heads: usize,
  rows: usize,
  keys: usize,
  dim: usize,
  scale: f32,
  block: usize,
): void {
  const width = heads * dim;
  const queries = scratch + ((dim * keys) << 2);
  for (let context: usize = 0; context < contexts; context++)
    for (let head: usize = 0; head < heads; head++) {
      transpose(k + ((context * keys * width + head * dim) << 2), width, scratch, keys, dim);
      const from = q + ((context * rows * width + head * dim) << 2);
      for (let row: usize = 0; row < rows; row++)
        scaled(from + ((row * width) << 2), queries + ((row * dim) << 2), dim, scale);
      const to = out + (((context * heads + head) * rows * keys) << 2);
      multiply(queries, dim, scratch, keys, to, keys, rows, dim, keys, block, panels);
    }
}

/**
 * pattern [context, head, row, key] and v [context, key, head, dim] -> [context, row, head, dim].
 *
 * @param panels dim x key numbers, or 0.
 */
export function values(
  pattern: usize,
  v: usize,
  out: usize,
  panels: usize,
  contexts: usize,
  heads: usize,
  rows: usize,
  keys: usize,
  dim: usize,
  block: usize,
): void {
  const width = heads * dim;
  for (let context: usize = 0; context < contexts; context++)
    for (let head: usize = 0; head < heads; head++)
      multiply(
        pattern + (((context * heads + head) * rows * keys) << 2),
        keys,
        v + ((context * keys * width + head * dim) << 2),
        width,
        out + ((context * rows * width + head * dim) << 2),
        width,
        rows,
        keys,
        dim,
        block,
        panels,
      );
}

/**
 * Gradients of attention towards q, k and v, given that towards z: shapes as `scores` and `values` have
 * them.
 *
 * @param scratch 2 x row x key + dim x (row + key) numbers.
 */
export function attendBackward(
  q: usize,
  k: usize,
  v: usize,
  pattern: usize,
  dz: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  scratch: usize,
  contexts: usize,
  heads: usize,
  rows: usize,
  keys: usize,
  dim: usize,
  scale: f32,
  block: usize,
): void {
  const width = heads * dim;
  const slope = scratch;
  const turned = slope + ((rows * keys) << 2);
  const turnedValues = turned + ((rows * keys) << 2);
  const scaledQueries = turnedValues + ((dim * keys) << 2);
  for (let context: usize = 0; context < contexts; context++)
    for (let head: usize = 0; head < heads; head++) {
      const atRows = (context * rows * width + head * dim) << 2;
      const atKeys = (context * keys * width + head * dim) << 2;
      const weights = pattern + (((context * heads + head) * rows * keys) << 2);
      transpose(v + atKeys, width, turnedValues, keys, dim);
      multiply(dz + atRows, width, turnedValues, keys, slope, keys, rows, dim, keys, block, 0);
      transpose(weights, keys, turned, rows, keys);
      multiply(turned, rows, dz + atRows, width, dv + atKeys, width, keys, rows, dim, block, 0);
      for (let row: usize = 0; row < rows; row++)
        softmaxBackward(slope + ((row * keys) << 2), weights + ((row * keys) << 2), keys);
      multiply(slope, keys, k + atKeys, width, dq + atRows, width, rows, keys, dim, block, 0);
      for (let row: usize = 0; row < rows; row++) {
        const at = atRows + ((row * width) << 2);
        scaled(dq + at, dq + at, dim, scale);
        scaled(q + at, scaledQueries + ((row * dim) << 2), dim, scale);
      }
      transpose(slope, keys, turned, rows, keys);
      multiply(turned, rows, scaledQueries, dim, dk + atKeys, width, keys, rows, dim, block, 0);
    }
}

/** x [rows, columns], rows so many numbers apart -> [columns, rows]. */
function transpose(x: usize, xRow: usize, out: usize, rows: usize, columns: usize): void {
  for (let row: usize = 0; row < rows; row++)
    for (let column: usize = 0; column < columns; column++)
      store<f32>(out + ((column * rows + row) << 2), load<f32>(x + ((row * xRow + column) << 2)));
}

/** From the gradient of one row's softmax to that of its input, in place. */
function softmaxBackward(dy: usize, y: usize, count: usize): void {
  const bytes = count << 2;
  let sum: f32 = 0;
  for (let at: usize = 0; at < bytes; at += 4) {
    const weighted = load<f32>(dy + at) * load<f32>(y + at);
    store<f32>(dy + at, weighted);
    sum += weighted;
  }
  for (let at: usize = 0; at < bytes; at += 4) store<f32>(dy + at, load<f32>(dy + at) - sum * load<f32>(y + at));
}
