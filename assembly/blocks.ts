/** More terms than one block: the sums of blocks are summed. */
export function multiplyBlocks(
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
