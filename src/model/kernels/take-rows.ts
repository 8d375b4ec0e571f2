import * as tf from "@tensorflow/tfjs-core";
import { wasmCalls } from "./wasm-calls.js";

/** Rows by their numbers: [row, …] -> [number of rows, …]. */
export function takeRows(x: tf.Tensor, rows: readonly number[]): tf.Tensor {
  if (rows.length === x.shape[0] && rows.every((row, at) => row === at)) return tf.clone(x);
  return wasmCalls()?.takeRows(x, rows) ?? tf.gather(x, tf.tensor1d([...rows], "int32"));
}
