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
