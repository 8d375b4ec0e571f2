import * as tf from "@tensorflow/tfjs-core";
import type { Architecture } from "../src/model/architecture.js";
import type { BlipConfig } from "../src/model/blip-config.js";
import { GROUPED_MATMUL } from "../src/model/kernels/grouped.js";
import { byOps } from "../src/model/kernels/wasm-calls.js";
import { FUSED_LINEAR } from "../src/platform/fused.js";
import { withKernels } from "./kernels.js";

/** What is patched. */
interface Patched {
  readonly architecture: Pick<Architecture, "towers">;
  readonly config: BlipConfig;
}

/**
 * Floating-point operations in the matrix products of one patch of `text.cross.z` at `layer` of a sweep, a
 * multiplication and an addition each counted. What a batch of patches shares (the unpatched pass's values) is not in
 * it.
 *
 * @param tokens of the question.
 */
export function patchFlops({ architecture, config: { vision, text } }: Patched, tokens: number, layer: number): number {
  const { hidden_size: width, intermediate_size: mlp, num_attention_heads: heads, vocab_size: vocabulary } = text;
  const image = (vision.image_size / vision.patch_size) ** 2 + 1;
  const square = width ** 2;
  const feed = 2 * width * mlp;
  // One row: W_O of the patched sublayer, then the MLP.
  const patched = square + feed;
  // All rows: W_O of self-attention, W_Q and W_O of cross-attention, two products with keys and values in each, the
  // MLP.
  const rest = tokens * (3 * square + 2 * tokens * width + 2 * image * width + feed);
  const after = 3 * square + rest; // q, k and v of the changed row alone
  const later = 3 * tokens * square + rest;
  const full = text.num_hidden_layers - 1 - layer;
  const reading = patched + (full > 0 ? after + (full - 1) * later : 0);
  // What says whether picture and sentence match: two numbers of one row.
  if (!architecture.towers.decoder) return 2 * (reading + 2 * width);
  // One query: back through W_K, against the rows, their sum through W_V, W_O; the MLP.
  const answer = 3 * square + 2 * heads * tokens * width + feed;
  // From the second layer on also W_Q there, and W_V and W_O of a row that attends to itself: the first layer's are
  // everybody's.
  const self = 3 * square;
  const decoding = text.num_hidden_layers * answer + (text.num_hidden_layers - 1) * self;
  return 2 * (reading + decoding + square + width * vocabulary);
}

/** Of a whole sweep of `layers`, with `heads` heads patched at every token. */
export function sweepFlops(model: Patched, tokens: number, layers: readonly number[], heads: number): number {
  return layers.reduce((sum, layer) => sum + heads * tokens * patchFlops(model, tokens, layer), 0);
}

/** How often each matrix product [m, k] x [k, n] was made, by "m,k,n". */
export type Products = Map<string, number>;

const KERNELS = ["BatchMatMul", "_FusedMatMul", GROUPED_MATMUL, FUSED_LINEAR];

/** So many numbers are drawn for what counting gives. */
const NOISE = 2 ** 16;

/**
 * Counts the matrix products of a backend while `work` runs. They give noise at once, so `work` takes a fraction of its
 * time. (Not zeros: rows that a patch does not change are not computed.)
 */
export async function countProducts(work: () => Promise<unknown>): Promise<Products> {
  const products: Products = new Map();
  const kernels = KERNELS.flatMap((name) => tf.getKernel(name, tf.getBackend()) ?? []);
  const noise = Float32Array.from({ length: NOISE }, () => Math.random() - 0.5);
  let at = 0;
  const count: tf.KernelFunc = ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as unknown as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = (attrs ?? {}) as { transposeA?: boolean; transposeB?: boolean };
    const [rows, columns] = a.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [columns, rows] : [rows, columns];
    const n = b.shape.at(transposeB ? -2 : -1)!;
    const groups = tf.util.sizeFromShape(a.shape.slice(0, -2));
    const key = `${m},${k},${n}`;
    products.set(key, (products.get(key) ?? 0) + groups);
    const shape = [...tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), m, n];
    const values = new Float32Array(tf.util.sizeFromShape(shape));
    for (let filled = 0; filled < values.length; ) {
      const part = noise.subarray(at, at + values.length - filled);
      values.set(part, filled);
      filled += part.length;
      at = (at + 1) % (NOISE / 2);
    }
    return { dataId: (backend as tf.KernelBackend).write(values, shape, "float32"), shape, dtype: "float32" };
  };
  await byOps(() => withKernels(kernels, () => count, work));
  return products;
}

export const productFlops = (product: string) => product.split(",").reduce((flops, side) => flops * Number(side), 2);

/** Multiplications below which a product alone would time the call and not the product. */
const WORTH_TIMING = 1e6;

/** a [m, k] x b [k, n] */
type Multiply = (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor;

/**
 * Seconds that the products would take at the backend's plain 2-D matMul rate for the same shapes. Small ones are
 * charged at the best rate that a large one reaches, which makes the limit only harder to meet.
 *
 * @param clock in seconds. @param multiply by another kernel.
 */
export async function limitSeconds(
  products: Products,
  clock = wall,
  multiply: Multiply = (a, b) => tf.matMul(a, b),
): Promise<number> {
  let [seconds, best, small] = [0, 0, 0];
  for (const [product, count] of products) {
    const flops = productFlops(product);
    if (flops < 2 * WORTH_TIMING) small += count * flops;
    else {
      const each = timeProduct(product, clock, multiply);
      best = Math.max(best, flops / each);
      seconds += count * each;
    }
  }
  return seconds + (small === 0 ? 0 : small / best);
}

/** Seconds by the clock on the wall. */
export const wall = () => performance.now() / 1e3;

/** The fastest of some calls, so that the limit is not the machine's bad moments. */
function timeProduct(product: string, clock: () => number, multiply: Multiply): number {
  const [m, k, n] = product.split(",").map(Number) as [number, number, number];
  const [a, b] = [tf.randomNormal<tf.Rank.R2>([m, k]), tf.randomNormal<tf.Rank.R2>([k, n])];
  let fastest = Number.POSITIVE_INFINITY;
  const begun = clock();
  for (let i = 0; i < 20 && (i < 3 || clock() - begun < 0.5); i++) {
    const start = clock();
    tf.dispose(multiply(a, b)); // both backends have computed it when they return
    fastest = Math.min(fastest, clock() - start);
  }
  tf.dispose([a, b]);
  return fastest;
}
