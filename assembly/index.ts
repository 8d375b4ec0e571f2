// AssemblyScript, compiled by `npm run kernels`. Kernels over the memory of the wasm backend, which have no memory of
// their own. Every sum is in the order of the backend's own kernels, so that the results have the same bits. All numbers
// are float32; all lengths are in numbers, not bytes.

/**
 * out [m, n] = a [m, k] b [k, n], rows of each so many numbers apart. Sums of `block` terms are summed, as the backend's
 * batched product has it.
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
): void {
  let i: usize = 0;
  for (; i + 4 <= m; i += 4)
    multiplyRows4(a + ((i * aRow) << 2), aRow << 2, b, bRow << 2, out + ((i * outRow) << 2), outRow << 2, k, n, block);
  for (; i < m; i++) multiplyRow(a + ((i * aRow) << 2), b, bRow << 2, out + ((i * outRow) << 2), k, n, block);
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

function multiplyRow(a: usize, b: usize, bRow: usize, out: usize, k: usize, n: usize, block: usize): void {
  multiplyFrom(0, a, b, bRow, out, k, n, block);
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

/** [group, m, k] x [group, k, n] -> [group, m, n] */
export function products(
  a: usize,
  b: usize,
  out: usize,
  groups: usize,
  m: usize,
  k: usize,
  n: usize,
  block: usize,
): void {
  for (let group: usize = 0; group < groups; group++)
    multiply(
      a + ((group * m * k) << 2),
      k,
      b + ((group * k * n) << 2),
      n,
      out + ((group * m * n) << 2),
      n,
      m,
      k,
      n,
      block,
    );
}

/**
 * Scores of attention: q [context, row, head, dim] and k [context, key, head, dim] -> [context, head, row, key], q
 * scaled.
 *
 * @param scratch dim x (row + key) numbers.
 */
export function scores(
  q: usize,
  k: usize,
  out: usize,
  scratch: usize,
  contexts: usize,
  heads: usize,
  rows: usize,
  keys: usize,
  dim: usize,
  scale: f32,
  block: usize,
): void {
  const scaled = scratch + ((dim * keys) << 2);
  for (let context: usize = 0; context < contexts; context++)
    for (let head: usize = 0; head < heads; head++) {
      for (let key: usize = 0; key < keys; key++) {
        const from = k + ((((context * keys + key) * heads + head) * dim) << 2);
        for (let at: usize = 0; at < dim; at++)
          store<f32>(scratch + ((at * keys + key) << 2), load<f32>(from + (at << 2)));
      }
      for (let row: usize = 0; row < rows; row++) {
        const from = q + ((((context * rows + row) * heads + head) * dim) << 2);
        for (let at: usize = 0; at < dim; at++)
          store<f32>(scaled + ((row * dim + at) << 2), load<f32>(from + (at << 2)) * scale);
      }
      const to = out + (((context * heads + head) * rows * keys) << 2);
      multiply(scaled, dim, scratch, keys, to, keys, rows, dim, keys, block);
    }
}

/** pattern [context, head, row, key] and v [context, key, head, dim] -> [context, row, head, dim]. */
export function values(
  pattern: usize,
  v: usize,
  out: usize,
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
      );
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
