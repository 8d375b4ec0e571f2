import { NoticeError } from "../base/errors.js";
import type { Picture } from "./picture.js";

// Follows src/libImaging/Resample.c of Pillow 13 to the last bit: coefficients in 22-bit fixed point, two passes,
// rounded to 8 bits in between.
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** The most pixels a side may get: far above any vision tower, far below what would exhaust memory. */
const MAX_SIDE = 16_384;

/** How values between pixels are made. */
type Filter = "bicubic" | "lanczos";

/**
 * The picture resized as Pillow's `resize((width, height), BICUBIC)` does, or LANCZOS: bicubic with a = -0.5, and
 * antialiased when it shrinks (the kernel is stretched by the ratio). Every value equals that of Pillow 13; up to 12.1
 * the passes were never swapped (see below), which changes some values by a level. The same size gives the same
 * picture.
 *
 * @throws NoticeError `image` where a side is not an integer in 1..16384, or the data is not [height, width, 3].
 */
export function resize(picture: Picture, width: number, height: number, filter: Filter = "bicubic"): Picture {
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE)
      throw new NoticeError("image", `Cannot resize to ${width} x ${height}: each side must be in 1..${MAX_SIDE}.`);
  if (picture.data.length !== picture.width * picture.height * 3)
    throw new NoticeError(
      "image",
      `A picture of ${picture.width} x ${picture.height} pixels has ${picture.data.length} bytes; RGB takes 3 a pixel.`,
    );
  const shrink = picture.height - height;
  // Since Pillow 13: the pass that leaves less to do comes first.
  const columnsFirst = shrink > 0 && shrink > (picture.width - width) * 2;
  return columnsFirst
    ? resizeRows(resizeColumns(picture, height, filter), width, filter)
    : resizeColumns(resizeRows(picture, width, filter), height, filter);
}

/** [height, width, 3] -> [height, to, 3] */
function resizeRows(picture: Picture, to: number, filter: Filter): Picture {
  const { width, height, data } = picture;
  if (to === width) return picture;
  const { taps, starts, counts, weights } = kernel(width, to, filter);
  const out = new Uint8Array(to * height * 3);
  for (let y = 0, target = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < to; x++, target += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let source = row + starts[x]! * 3;
      for (let k = x * taps, end = k + counts[x]!; k < end; k++, source += 3) {
        const weight = weights[k]!;
        red = (red + Math.imul(weight, data[source]!)) | 0;
        green = (green + Math.imul(weight, data[source + 1]!)) | 0;
        blue = (blue + Math.imul(weight, data[source + 2]!)) | 0;
      }
      out[target] = clip(red);
      out[target + 1] = clip(green);
      out[target + 2] = clip(blue);
    }
  }
  return { width: to, height, data: out };
}

/** [height, width, 3] -> [to, width, 3] */
function resizeColumns(picture: Picture, to: number, filter: Filter): Picture {
  const { width, height, data } = picture;
  if (to === height) return picture;
  const { taps, starts, counts, weights } = kernel(height, to, filter);
  const stride = width * 3;
  const out = new Uint8Array(to * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < to; y++) {
    sums.fill(HALF);
    for (let k = 0; k < counts[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const source = (starts[y]! + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] = sums[i]! + Math.imul(weight, data[source + i]!);
    }
    for (let i = 0; i < stride; i++) out[y * stride + i] = clip(sums[i]!);
  }
  return { width, height: to, data: out };
}

function clip(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** For each of `to` outputs: the first input it reads, how many, and their weights, [to, taps] in fixed point. */
function kernel(from: number, to: number, filter: Filter) {
  const { reach, weight: weigh } = FILTERS[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const exact = new Float64Array(taps);
  const inverse = 1 / stretch;
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    let total = 0;
    for (let k = 0; k < count; k++) total += exact[k] = weigh((k + start - centre + 0.5) * inverse);
    for (let k = 0; k < count; k++) {
      const weight = total === 0 ? exact[k]! : exact[k]! / total;
      // Truncation into the Int32Array completes the rounding.
      weights[i * taps + k] = weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5);
    }
    starts[i] = start;
    counts[i] = count;
  }
  return { taps, starts, counts, weights };
}

function bicubic(offset: number): number {
  const a = -0.5;
  const x = Math.abs(offset);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** sinc(x) sinc(x / 3) */
function lanczos(offset: number): number {
  const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
  return offset >= -3 && offset < 3 ? sinc(offset) * sinc(offset / 3) : 0;
}

const FILTERS = { bicubic: { reach: 2, weight: bicubic }, lanczos: { reach: 3, weight: lanczos } } as const;
