// Tiles of four rows; where there are fewer, the last stands for those that are not there. Distances are in bytes.
// Without unrolling, and with nothing conditional in them, V8 keeps all their sums in registers.

/** @param step to the next row of b. @param last of the four rows that is there. */
export function multiply4x8(
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

export function multiply4x4(
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

export function multiply4x1(
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
