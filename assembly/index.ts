// AssemblyScript, compiled by `npm run kernels`. Kernels over the memory of the wasm backend, which have no memory of
// their own. Every sum is in the order of the backend's own kernels, so that the results have the same bits. All numbers
// are float32; all lengths are in numbers, not bytes.

/** A product of so many rows takes its second factor from panels; of fewer, from where it stands. */
const WORTH_PACKING: usize = 8;
/** So many rows of the first factor stay in the cache while they meet one panel after the other. */
const ROWS: usize = 128;

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
function packTransposed(b: usize, row: usize, panels: usize, k: usize, n: usize): void {
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
function multiplyPacked(
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
function multiply(
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

// Tiles of four rows; where there are fewer, the last stands for those that are not there. Distances are in bytes.
// Without unrolling, and with nothing conditional in them, V8 keeps all their sums in registers.

/** @param step to the next row of b. @param last of the four rows that is there. */
function multiply4x8(
  a: usize,
  aRow: usize,
  b: usize,
  step: usize,
  out: usize,
  outRow: usize,
  last: usize,
  k: usize,
): void {
  let a0 = a;
  let a1 = a + min(1, last) * aRow;
  let a2 = a + min(2, last) * aRow;
  let a3 = a + min(3, last) * aRow;
  const zero = f32x4.splat(0);
  let s00 = zero;
  let s01 = zero;
  let s10 = zero;
  let s11 = zero;
  let s20 = zero;
  let s21 = zero;
  let s30 = zero;
  let s31 = zero;
  let from = b;
  const end = from + k * step;
  while (from < end) {
    const b0 = v128.load(from);
    const b1 = v128.load(from, 16);
    const x0 = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    const x1 = v128.load32_splat(a1);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    const x2 = v128.load32_splat(a2);
    s20 = f32x4.add(s20, f32x4.mul(x2, b0));
    s21 = f32x4.add(s21, f32x4.mul(x2, b1));
    const x3 = v128.load32_splat(a3);
    s30 = f32x4.add(s30, f32x4.mul(x3, b0));
    s31 = f32x4.add(s31, f32x4.mul(x3, b1));
    from += step;
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  const second = out + min(1, last) * outRow;
  v128.store(second, s10);
  v128.store(second, s11, 16);
  const third = out + min(2, last) * outRow;
  v128.store(third, s20);
  v128.store(third, s21, 16);
  const fourth = out + min(3, last) * outRow;
  v128.store(fourth, s30);
  v128.store(fourth, s31, 16);
}

function multiply4x4(
  a: usize,
  aRow: usize,
  b: usize,
  step: usize,
  out: usize,
  outRow: usize,
  last: usize,
  k: usize,
): void {
  let a0 = a;
  let a1 = a + min(1, last) * aRow;
  let a2 = a + min(2, last) * aRow;
  let a3 = a + min(3, last) * aRow;
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let from = b;
  const end = from + k * step;
  while (from < end) {
    const value = v128.load(from);
    s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a0), value));
    s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1), value));
    s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2), value));
    s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3), value));
    from += step;
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
  }
  v128.store(out, s0);
  v128.store(out + min(1, last) * outRow, s1);
  v128.store(out + min(2, last) * outRow, s2);
  v128.store(out + min(3, last) * outRow, s3);
}

function multiply4x1(
  a: usize,
  aRow: usize,
  b: usize,
  step: usize,
  out: usize,
  outRow: usize,
  last: usize,
  k: usize,
): void {
  let a0 = a;
  let a1 = a + min(1, last) * aRow;
  let a2 = a + min(2, last) * aRow;
  let a3 = a + min(3, last) * aRow;
  let s0: f32 = 0;
  let s1: f32 = 0;
  let s2: f32 = 0;
  let s3: f32 = 0;
  let from = b;
  const end = from + k * step;
  while (from < end) {
    const value = load<f32>(from);
    s0 += load<f32>(a0) * value;
    s1 += load<f32>(a1) * value;
    s2 += load<f32>(a2) * value;
    s3 += load<f32>(a3) * value;
    from += step;
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
  }
  store<f32>(out, s0);
  store<f32>(out + min(1, last) * outRow, s1);
  store<f32>(out + min(2, last) * outRow, s2);
  store<f32>(out + min(3, last) * outRow, s3);
}

/** More terms than one block: the sums of blocks are summed. */
function multiplyBlocks(
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
): void {
  let i: usize = 0;
  for (; i + 4 <= m; i += 4)
    multiplyRows4(a + ((i * aRow) << 2), aRow << 2, b, bRow << 2, out + ((i * outRow) << 2), outRow << 2, k, n, block);
  for (; i < m; i++) multiplyFrom(0, a + ((i * aRow) << 2), b, bRow << 2, out + ((i * outRow) << 2), k, n, block);
}

/** Four rows of the same; distances between rows in bytes. */
function multiplyRows4(
  a: usize,
  aRow: usize,
  b: usize,
  bRow: usize,
  out: usize,
  outRow: usize,
  k: usize,
  n: usize,
  block: usize,
): void {
  let j: usize = 0;
  const zero = f32x4.splat(0);
  for (; j + 8 <= n; j += 8) {
    let t00 = zero;
    let t01 = zero;
    let t10 = zero;
    let t11 = zero;
    let t20 = zero;
    let t21 = zero;
    let t30 = zero;
    let t31 = zero;
    for (let begin: usize = 0; begin < k; begin += block) {
      const end = min(begin + block, k);
      let s00 = zero;
      let s01 = zero;
      let s10 = zero;
      let s11 = zero;
      let s20 = zero;
      let s21 = zero;
      let s30 = zero;
      let s31 = zero;
      let at = a + (begin << 2);
      let from = b + begin * bRow + (j << 2);
      for (let p = begin; p < end; p++) {
        const b0 = v128.load(from);
        const b1 = v128.load(from, 16);
        const a0 = v128.load32_splat(at);
        const a1 = v128.load32_splat(at + aRow);
        const a2 = v128.load32_splat(at + 2 * aRow);
        const a3 = v128.load32_splat(at + 3 * aRow);
        s00 = f32x4.add(s00, f32x4.mul(a0, b0));
        s01 = f32x4.add(s01, f32x4.mul(a0, b1));
        s10 = f32x4.add(s10, f32x4.mul(a1, b0));
        s11 = f32x4.add(s11, f32x4.mul(a1, b1));
        s20 = f32x4.add(s20, f32x4.mul(a2, b0));
        s21 = f32x4.add(s21, f32x4.mul(a2, b1));
        s30 = f32x4.add(s30, f32x4.mul(a3, b0));
        s31 = f32x4.add(s31, f32x4.mul(a3, b1));
        at += 4;
        from += bRow;
      }
      t00 = f32x4.add(t00, s00);
      t01 = f32x4.add(t01, s01);
      t10 = f32x4.add(t10, s10);
      t11 = f32x4.add(t11, s11);
      t20 = f32x4.add(t20, s20);
      t21 = f32x4.add(t21, s21);
      t30 = f32x4.add(t30, s30);
      t31 = f32x4.add(t31, s31);
    }
    const to = out + (j << 2);
    v128.store(to, t00);
    v128.store(to, t01, 16);
    v128.store(to + outRow, t10);
    v128.store(to + outRow, t11, 16);
    v128.store(to + 2 * outRow, t20);
    v128.store(to + 2 * outRow, t21, 16);
    v128.store(to + 3 * outRow, t30);
    v128.store(to + 3 * outRow, t31, 16);
  }
  if (j < n)
    for (let row: usize = 0; row < 4; row++) multiplyFrom(j, a + row * aRow, b, bRow, out + row * outRow, k, n, block);
}

/** One row of the same, from a column on. */
function multiplyFrom(
  first: usize,
  a: usize,
  b: usize,
  bRow: usize,
  out: usize,
  k: usize,
  n: usize,
  block: usize,
): void {
  let j = first;
  const zero = f32x4.splat(0);
  for (; j + 8 <= n; j += 8) {
    let t0 = zero;
    let t1 = zero;
    for (let begin: usize = 0; begin < k; begin += block) {
      const end = min(begin + block, k);
      let s0 = zero;
      let s1 = zero;
      let from = b + begin * bRow + (j << 2);
      for (let p = begin; p < end; p++) {
        const a0 = v128.load32_splat(a + (p << 2));
        s0 = f32x4.add(s0, f32x4.mul(a0, v128.load(from)));
        s1 = f32x4.add(s1, f32x4.mul(a0, v128.load(from, 16)));
        from += bRow;
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
    }
    v128.store(out + (j << 2), t0);
    v128.store(out + (j << 2), t1, 16);
  }
  for (; j + 4 <= n; j += 4) {
    let t = zero;
    for (let begin: usize = 0; begin < k; begin += block) {
      const end = min(begin + block, k);
      let s = zero;
      let from = b + begin * bRow + (j << 2);
      for (let p = begin; p < end; p++) {
        s = f32x4.add(s, f32x4.mul(v128.load32_splat(a + (p << 2)), v128.load(from)));
        from += bRow;
      }
      t = f32x4.add(t, s);
    }
    v128.store(out + (j << 2), t);
  }
  for (; j < n; j++) {
    let t: f32 = 0;
    for (let begin: usize = 0; begin < k; begin += block) {
      const end = min(begin + block, k);
      let s: f32 = 0;
      let from = b + begin * bRow + (j << 2);
      for (let p = begin; p < end; p++) {
        s += load<f32>(a + (p << 2)) * load<f32>(from);
        from += bRow;
      }
      t += s;
    }
    store<f32>(out + (j << 2), t);
  }
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
 * Gradients of attention towards q and z's other two factors, given that towards z: shapes as `scores` and `values` have
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

/** Rows of `width` numbers to mean 0 and variance 1, times weight plus bias. */
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  out: usize,
  rows: usize,
  width: usize,
  epsilon: f32,
): void {
  const bytes = width << 2;
  let row: usize = 0;
  // Each sum waits for its last term, so four go side by side.
  for (; row + 4 <= rows; row += 4) normaliseRows4(x + row * bytes, weight, bias, out + row * bytes, width, epsilon);
  for (; row < rows; row++) {
    const from = x + row * bytes;
    let sum: f32 = 0;
    for (let at: usize = 0; at < bytes; at += 4) sum += load<f32>(from + at);
    const mean = sum / <f32>width;
    let squares: f32 = 0;
    for (let at: usize = 0; at < bytes; at += 4) {
      const centred = load<f32>(from + at) - mean;
      squares += centred * centred;
    }
    scaleRow(from, weight, bias, out + row * bytes, bytes, mean, scaleOf(squares, width, epsilon));
  }
}

function scaleOf(squares: f32, width: usize, epsilon: f32): f32 {
  return <f32>1 / sqrt<f32>(squares / <f32>width + epsilon);
}

function normaliseRows4(x: usize, weight: usize, bias: usize, out: usize, width: usize, epsilon: f32): void {
  const bytes = width << 2;
  const second = x + bytes;
  const third = x + 2 * bytes;
  const fourth = x + 3 * bytes;
  let s0: f32 = 0;
  let s1: f32 = 0;
  let s2: f32 = 0;
  let s3: f32 = 0;
  for (let at: usize = 0; at < bytes; at += 4) {
    s0 += load<f32>(x + at);
    s1 += load<f32>(second + at);
    s2 += load<f32>(third + at);
    s3 += load<f32>(fourth + at);
  }
  const count = <f32>width;
  const m0 = s0 / count;
  const m1 = s1 / count;
  const m2 = s2 / count;
  const m3 = s3 / count;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  for (let at: usize = 0; at < bytes; at += 4) {
    const c0 = load<f32>(x + at) - m0;
    const c1 = load<f32>(second + at) - m1;
    const c2 = load<f32>(third + at) - m2;
    const c3 = load<f32>(fourth + at) - m3;
    s0 += c0 * c0;
    s1 += c1 * c1;
    s2 += c2 * c2;
    s3 += c3 * c3;
  }
  scaleRow(x, weight, bias, out, bytes, m0, scaleOf(s0, width, epsilon));
  scaleRow(second, weight, bias, out + bytes, bytes, m1, scaleOf(s1, width, epsilon));
  scaleRow(third, weight, bias, out + 2 * bytes, bytes, m2, scaleOf(s2, width, epsilon));
  scaleRow(fourth, weight, bias, out + 3 * bytes, bytes, m3, scaleOf(s3, width, epsilon));
}

function scaleRow(x: usize, weight: usize, bias: usize, out: usize, bytes: usize, mean: f32, scale: f32): void {
  const whole = bytes & ~15;
  const means = f32x4.splat(mean);
  const scales = f32x4.splat(scale);
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const value = f32x4.mul(f32x4.sub(v128.load(x + at), means), scales);
    v128.store(out + at, f32x4.add(f32x4.mul(value, v128.load(weight + at)), v128.load(bias + at)));
  }
  for (; at < bytes; at += 4)
    store<f32>(out + at, (load<f32>(x + at) - mean) * scale * load<f32>(weight + at) + load<f32>(bias + at));
}

/** The gradient of the same towards x. */
export function layerNormBackward(
  x: usize,
  weight: usize,
  dy: usize,
  out: usize,
  rows: usize,
  width: usize,
  epsilon: f32,
): void {
  const bytes = width << 2;
  const count = <f32>width;
  for (let row: usize = 0; row < rows; row++) {
    const from = x + row * bytes;
    const slope = dy + row * bytes;
    const to = out + row * bytes;
    let sum: f32 = 0;
    let slopes: f32 = 0;
    for (let at: usize = 0; at < bytes; at += 4) {
      const weighted = load<f32>(slope + at) * load<f32>(weight + at);
      store<f32>(to + at, weighted);
      sum += load<f32>(from + at);
      slopes += weighted;
    }
    const mean = sum / count;
    const meanSlope = slopes / count;
    let squares: f32 = 0;
    for (let at: usize = 0; at < bytes; at += 4) {
      const centred = load<f32>(from + at) - mean;
      squares += centred * centred;
    }
    const scale = scaleOf(squares, width, epsilon);
    let products: f32 = 0;
    for (let at: usize = 0; at < bytes; at += 4)
      products += load<f32>(to + at) * ((load<f32>(from + at) - mean) * scale);
    const meanProduct = products / count;
    for (let at: usize = 0; at < bytes; at += 4) {
      const along = (load<f32>(from + at) - mean) * scale * meanProduct;
      store<f32>(to + at, (load<f32>(to + at) - meanSlope - along) * scale);
    }
  }
}

/** x + y, number by number. */
export function add(x: usize, y: usize, out: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~15;
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(out + at, f32x4.add(v128.load(x + at), v128.load(y + at)));
  for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(x + at) + load<f32>(y + at));
}

/** x [row, width] += bias [width], in place. */
export function addBias(x: usize, bias: usize, rows: usize, width: usize): void {
  const bytes = width << 2;
  const whole = bytes & ~15;
  for (let row: usize = 0; row < rows; row++) {
    const to = x + row * bytes;
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(bias + at)));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(bias + at));
  }
}

/** out = x times a number. */
export function scaled(x: usize, out: usize, count: usize, by: f32): void {
  const bytes = count << 2;
  const whole = bytes & ~15;
  const factor = f32x4.splat(by);
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(out + at, f32x4.mul(v128.load(x + at), factor));
  for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(x + at) * by);
}

/** GELU of x, given erf(x / √2), in place of the latter. */
export function gate(x: usize, erf: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~15;
  const half = f32x4.splat(0.5);
  const one = f32x4.splat(1);
  let at: usize = 0;
  for (; at < whole; at += 16)
    v128.store(erf + at, f32x4.mul(f32x4.mul(v128.load(x + at), half), f32x4.add(v128.load(erf + at), one)));
  for (; at < bytes; at += 4) store<f32>(erf + at, load<f32>(x + at) * <f32>0.5 * (load<f32>(erf + at) + <f32>1));
}

/** The exponent of GELU's density: -x² / 2 plus a number, as two products of the ops. */
export function exponents(x: usize, out: usize, count: usize, plus: f32): void {
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const value = load<f32>(x + at);
    store<f32>(out + at, value * value * <f32>-0.5 + plus);
  }
}

/** The gradient of GELU, given erf(x / √2) and the density of x, in place of the latter. */
export function gateBackward(x: usize, erf: usize, density: usize, dy: usize, count: usize): void {
  const bytes = count << 2;
  for (let at: usize = 0; at < bytes; at += 4) {
    const slope = (load<f32>(erf + at) + <f32>1) * <f32>0.5 + load<f32>(x + at) * load<f32>(density + at);
    store<f32>(density + at, load<f32>(dy + at) * slope);
  }
}
