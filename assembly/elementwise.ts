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

/**
 * Rows of `size` numbers, of `values` where `where` is not 0, else of `base`. Of each there are so many; they are gone
 * through again until there are `rows`.
 */
export function blend(
  base: usize,
  values: usize,
  where: usize,
  out: usize,
  bases: usize,
  others: usize,
  wheres: usize,
  rows: usize,
  size: usize,
): void {
  const bytes = size << 2;
  const whole = bytes & ~15;
  for (let row: usize = 0; row < rows; row++) {
    const given = load<f32>(where + ((row % wheres) << 2)) !== 0;
    const from = given ? values + (row % others) * bytes : base + (row % bases) * bytes;
    const to = out + row * bytes;
    let at: usize = 0;
    for (; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
  }
}
