import { addBias } from "./elementwise";
import { multiply, multiplyPacked, packTransposed } from "./multiply";

/** A product of so many rows takes its second factor from panels; of fewer, from where it stands. */
const WORTH_PACKING: usize = 8;
/**
 * x [m, k] W [k, n] + bias [n] -> [m, n].
 *
 * @param bias 0 for none. @param columns so many are packed at once, a multiple of 8. @param scratch k x columns numbers.
 */
export function linear(
  x: usize,
  weight: usize,
  bias: usize,
  out: usize,
  scratch: usize,
  m: usize,
  k: usize,
  n: usize,
  columns: usize,
): void {
  if (m < 4) for (let i: usize = 0; i < m; i++) multiplyRow(x + ((i * k) << 2), weight, out + ((i * n) << 2), k, n);
  else
    for (let j: usize = 0; j < n; j += columns) {
      const at = j << 2;
      const panels: usize = m < WORTH_PACKING ? <usize>0 : scratch;
      multiply(x, k, weight + at, n, out + at, n, m, k, min(columns, n - j), k, panels);
    }
  if (bias) addBias(out, bias, m, n);
}

/** The gradient of the same towards x: dy [m, k] Wᵀ -> [m, n], W [n, k]. */
export function linearBackward(
  dy: usize,
  weight: usize,
  out: usize,
  scratch: usize,
  m: usize,
  k: usize,
  n: usize,
  columns: usize,
): void {
  const row = k << 2;
  for (let j: usize = 0; j < n; j += columns) {
    const from = weight + j * row;
    const count = min(columns, n - j);
    packTransposed(from, row, scratch, k, count);
    multiplyPacked(dy, row, scratch, from, 4, row, out + (j << 2), n << 2, m, k, count);
  }
}

/** One row a [k] b [k, n] -> [n], four rows of b at a time: each is read once, in its order. */
function multiplyRow(a: usize, b: usize, out: usize, k: usize, n: usize): void {
  const bytes = n << 2;
  const whole = bytes & ~15;
  memory.fill(out, 0, bytes);
  let p: usize = 0;
  for (; p + 4 <= k; p += 4) {
    const at = a + (p << 2);
    const first = b + p * bytes;
    const second = first + bytes;
    const third = second + bytes;
    const fourth = third + bytes;
    const a0 = v128.load32_splat(at);
    const a1 = v128.load32_splat(at, 4);
    const a2 = v128.load32_splat(at, 8);
    const a3 = v128.load32_splat(at, 12);
    let j: usize = 0;
    for (; j < whole; j += 16) {
      let sum = f32x4.add(v128.load(out + j), f32x4.mul(a0, v128.load(first + j)));
      sum = f32x4.add(sum, f32x4.mul(a1, v128.load(second + j)));
      sum = f32x4.add(sum, f32x4.mul(a2, v128.load(third + j)));
      v128.store(out + j, f32x4.add(sum, f32x4.mul(a3, v128.load(fourth + j))));
    }
    for (; j < bytes; j += 4) {
      let sum = load<f32>(out + j) + load<f32>(at) * load<f32>(first + j);
      sum += load<f32>(at, 4) * load<f32>(second + j);
      sum += load<f32>(at, 8) * load<f32>(third + j);
      store<f32>(out + j, sum + load<f32>(at, 12) * load<f32>(fourth + j));
    }
  }
  for (; p < k; p++)
    for (let j: usize = 0; j < bytes; j += 4)
      store<f32>(out + j, load<f32>(out + j) + load<f32>(a + (p << 2)) * load<f32>(b + p * bytes + j));
}

/** [group, m, k] x [group, k, n] -> [group, m, n]. @param panels k x n numbers, or 0. */
export function products(
  a: usize,
  b: usize,
  out: usize,
  groups: usize,
  m: usize,
  k: usize,
  n: usize,
  block: usize,
  panels: usize,
): void {
  for (let group: usize = 0; group < groups; group++) {
    const from = a + ((group * m * k) << 2);
    multiply(from, k, b + ((group * k * n) << 2), n, out + ((group * m * n) << 2), n, m, k, n, block, panels);
  }
}
