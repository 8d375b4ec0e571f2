import type * as tf from "@tensorflow/tfjs-core";
import { printable } from "../base/inspect.js";

/** Rows and columns shown from each end of the last two axes; of the axes before them, the first and the last place. */
const EDGE = 3;

/** `float32 [9, 4, 16]`, and that it is disposed of if it is. */
export function tensorName({ dtype, shape, isDisposed }: tf.Tensor): string {
  return `${dtype} [${shape.join(", ")}]${isDisposed ? ", disposed of" : ""}`;
}

/** A tensor as its dtype, shape, smallest, mean and largest value, and its corners. Reads its values. */
export function tensorText(tensor: tf.Tensor): string {
  const name = tensorName(tensor);
  if (tensor.isDisposed || tensor.size === 0) return name;
  const values = tensor.dataSync() as ArrayLike<number | string>;
  return `${name}${statistics(values)}\n${corners(values, tensor.shape)}`;
}

function statistics(values: ArrayLike<number | string>): string {
  let [least, most, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
    count++;
  }
  if (count === 0) return "";
  const odd = count < values.length ? `, ${values.length - count} not finite` : "";
  return `, min ${short(least)}, mean ${short(sum / count)}, max ${short(most)}${odd}`;
}

function corners(values: ArrayLike<number | string>, shape: readonly number[]): string {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.at(-2) ?? 1;
  const matrix = (first: number) => {
    const lines = ends(rows, EDGE).map((row) =>
      ends(columns, EDGE).map((column) =>
        row === null || column === null ? "…" : short(values[first + row * columns + column]!),
      ),
    );
    const width = Math.max(...lines.flat().map((text) => text.length));
    return lines.map((line) => `  ${line.map((text) => text.padStart(width)).join("  ")}`).join("\n");
  };
  const before = shape.slice(0, -2);
  const matrices = before.reduce((product, side) => product * side, 1);
  if (matrices === 1) return matrix(0);
  const place = (index: string[]) => `  [${[...index, ":", ":"].join(", ")}]`;
  const first = `${place(before.map(() => "0"))}\n${matrix(0)}`;
  const last = `${place(before.map((side) => `${side - 1}`))}\n${matrix((matrices - 1) * rows * columns)}`;
  return `${first}\n${last}`;
}

/** The first and the last indices of an axis, null where some are left out between. */
function ends(length: number, edge: number): (number | null)[] {
  const all = Array.from({ length: Math.min(length, 2 * edge + 1) }, (_, i) => i);
  if (length <= 2 * edge + 1) return all;
  return [...all.slice(0, edge), null, ...all.slice(0, edge).map((i) => length - edge + i)];
}

function short(value: number | string): string {
  if (typeof value === "string") return JSON.stringify(printable(value).slice(0, 20));
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? `${value}` : `${Number(value.toPrecision(3))}`;
}
