import { multiplyBlocks } from "./blocks";
import { multiply4x1, multiply4x4, multiply4x8 } from "./tiles";

/** So many rows of the first factor stay in the cache while they meet one panel after the other. */
const ROWS: usize = 128;

/** Columns of b [k, n], eight by eight: [n / 8, k, 8]. What is left of them stays. @param row bytes to the next. */
function pack(b: usize, row: usize, panels: usize, k: usize, n: usize): void {
  let to = panels;
  for (let j: usize = 0; j + 8 <= n; j += 8) {
    let from = b + (j << 2);
    for (let p: usize = 0; p < k; p++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += row;
      to += 32;
    }
  }
}

/** The same panels from what is b only when it is transposed, [n, k]. */
export function packTransposed(b: usize, row: usize, panels: usize, k: usize, n: usize): void {
  const whole = n & ~7;
  for (let j: usize = 0; j < whole; j++) {
    const from = b + j * row;
    let to = panels + (((j & ~7) * k + (j & 7)) << 2);
    for (let p: usize = 0; p < k; p++) {
      store<f32>(to, load<f32>(from + (p << 2)));
      to += 32;
    }
  }
}

/**
 * a [m, k] b [k, n] -> [m, n], b in panels and as it stands. All distances are in bytes.
 *
 * @param step to b's next row. @param column to b's next column.
 */
export function multiplyPacked(
  a: usize,
  aRow: usize,
  panels: usize,
  b: usize,
  step: usize,
  column: usize,
  out: usize,
  outRow: usize,
  m: usize,
  k: usize,
  n: usize,
): void {
  for (let top: usize = 0; top < m; top += ROWS) {
    const bottom = min(top + ROWS, m);
    let j: usize = 0;
    for (; j + 8 <= n; j += 8) {
      const panel = panels + ((j * k) << 2);
      for (let i = top; i < bottom; i += 4)
        multiply4x8(a + i * aRow, aRow, panel, 32, out + i * outRow + (j << 2), outRow, bottom - i - 1, k);
    }
    for (; j < n; j++)
      for (let i = top; i < bottom; i += 4)
        multiply4x1(a + i * aRow, aRow, b + j * column, step, out + i * outRow + (j << 2), outRow, bottom - i - 1, k);
  }
}

/**
 * out [m, n] = a [m, k] b [k, n], rows of each so many numbers apart. Sums of `block` terms are summed, as the backend's
 * batched product has it.
 *
 * @param panels k x n numbers, into which b is packed; 0: it is not.
 */
export function multiply(
  a: usize,
  aRow: usize,
  b: usize,
  bRow: usize,
  out: usize,
  outRow: usize,
  m: usize,
  k: usize,
  n: usize,
  block: usize,
  panels: usize,
): void {
  if (k > block) {
    multiplyBlocks(a, aRow, b, bRow, out, outRow, m, k, n, block);
    return;
  }
  const row = aRow << 2;
  const step = bRow << 2;
  const next = outRow << 2;
  if (panels) {
    pack(b, step, panels, k, n);
    multiplyPacked(a, row, panels, b, step, 4, out, next, m, k, n);
    return;
  }
  for (let i: usize = 0; i < m; i += 4) {
    const last = m - i - 1;
    const from = a + i * row;
    const to = out + i * next;
    let j: usize = 0;
    for (; j + 8 <= n; j += 8) multiply4x8(from, row, b + (j << 2), step, to + (j << 2), next, last, k);
    for (; j + 4 <= n; j += 4) multiply4x4(from, row, b + (j << 2), step, to + (j << 2), next, last, k);
    for (; j < n; j++) multiply4x1(from, row, b + (j << 2), step, to + (j << 2), next, last, k);
  }
}
