import * as tf from "@tensorflow/tfjs-core";

// Matrices that stand in memory in 16 bits a value. Each use widens one to float32, computes, and drops it.

/** How 16 bits are read: float16, or the upper half of a float32. */
export type HalfKind = "F16" | "BF16";

/** A matrix of which two bytes a value are kept, outside the backend. */
export class HalfMatrix {
  /**
   * @param bits of every value. @param kind how they are read. @param shape [rows, columns]
   */
  constructor(
    readonly bits: Uint16Array,
    readonly kind: HalfKind,
    readonly shape: readonly [number, number],
  ) {}

  /** Its values in float32, exactly. The caller, or a `tf.tidy` around, disposes of it. */
  widen(): tf.Tensor2D {
    return tf.tensor2d(widened(this.bits, this.kind), this.shape as [number, number]);
  }
}

/** 16 bits a value -> float32, exactly. */
export function widened(bits: Uint16Array, kind: HalfKind): Float32Array {
  if (kind === "BF16") {
    const wide = new Uint32Array(bits.length);
    for (let i = 0; i < bits.length; i++) wide[i] = (bits[i] as number) << 16;
    return new Float32Array(wide.buffer);
  }
  const table = halfToFloat();
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = table[bits[i] as number] as number;
  return floats;
}

/** The largest float16, 2^15 (2 - 2^-10), and half the step to what would be the next one. */
const MOST = 65_504 + 16;

/**
 * Float32 -> the nearest float16, of two equally near ones the even one (IEEE 754).
 *
 * @returns undefined where a value is too large for float16.
 */
export function narrowed(values: Float32Array): Uint16Array | undefined {
  const { buffer, byteOffset, length } = values;
  const wide = new Uint32Array(buffer, byteOffset, length);
  const bits = new Uint16Array(length);
  for (let i = 0; i < length; i++) {
    const size = Math.abs(values[i] as number);
    if (size >= MOST) return undefined;
    const sign = ((wide[i] as number) >>> 16) & 0x8000;
    bits[i] = sign | (size < 2 ** -14 ? subnormal(size) : normal((wide[i] as number) & 0x7fff_ffff));
  }
  return bits;
}

/** The exponent's offset is 15, not 127, and 13 bits of the fraction go; a carry goes into the exponent, as it must. */
function normal(wide: number): number {
  const odd = (wide >>> 13) & 1;
  return (wide - ((127 - 15) << 23) + 0xfff + odd) >>> 13;
}

/** Below the smallest normal one they are whole multiples of 2^-24. */
function subnormal(size: number): number {
  const steps = size * 2 ** 24;
  const below = Math.floor(steps);
  const over = steps - below;
  return over > 0.5 || (over === 0.5 && below % 2 === 1) ? below + 1 : below;
}

let table: Float32Array | undefined;

/** All 65,536 half-precision numbers. */
function halfToFloat(): Float32Array {
  if (table) return table;
  table = new Float32Array(65_536);
  for (let half = 0; half < 65_536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) table[half] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) table[half] = sign * fraction * 2 ** -24;
    else table[half] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}
