import * as tf from "@tensorflow/tfjs-core";
import { ASSEMBLY } from "./assembly.js";
import type { LayerNorm } from "./linear.js";
import type { WasmBackend } from "./wasm-backend.js";

// Of a small model's pass on wasm most time goes into calls: an op of TensorFlow.js takes 10 µs beside what its kernel
// computes, and a norm is nine ops. Here several ops are one call, over the backend's own memory, without the engine.
// Sums are in the order of the ops, so the results have the same bits. While gradients are taken, taped.ts makes a node
// of the tape of a projection, a norm, GELU and attention; the others are left to the ops.

/** What assembly/ exports: addresses, then lengths. */
interface Assembly {
  products(...given: number[]): void;
  scores(...given: number[]): void;
  values(...given: number[]): void;
  layerNorm(...given: number[]): void;
  add(...given: number[]): void;
  blend(...given: number[]): void;
  linear(...given: number[]): void;
  linearBackward(...given: number[]): void;
  layerNormBackward(...given: number[]): void;
  exponents(...given: number[]): void;
  gateBackward(...given: number[]): void;
  attendBackward(...given: number[]): void;
  scaled(...given: number[]): void;
  gate(...given: number[]): void;
}

/** Of a matrix so many numbers are packed at once: 4 MB. */
const PACKED = 2 ** 20;

/** So many columns of `rows` numbers, a multiple of 8. */
const columnsAtOnce = (rows: number, columns: number) =>
  Math.min(8 * Math.ceil(columns / 8), Math.max(8, 8 * Math.floor(PACKED / rows / 8)));

/** So many rows pay for bringing the other factor of a small product into the order in which it is read. */
const WORTH_PANELS = 64;

/** Whether a shape, without ones at its beginning, is the end of another. */
function ends(shape: readonly number[], other: readonly number[]): boolean {
  const first = shape.findIndex((side) => side !== 1);
  const own = first < 0 ? [] : shape.slice(first);
  return own.every((side, i) => side === other[other.length - own.length + i]);
}

let asked = true;

/** What `compute` gives by ops alone: what a test compares with, and where products are counted. */
export async function byOps<Result>(compute: () => Result | Promise<Result>): Promise<Result> {
  asked = false;
  try {
    return await compute();
  } finally {
    asked = true;
  }
}

const KNOWN = new WeakMap<object, WasmCalls | null>();

/** The calls; undefined where the backend is another, or gradients are taken. */
export const wasmCalls = (): WasmCalls | undefined => (tf.engine().state.gradientDepth > 0 ? undefined : tapedCalls());

/** The calls, for what is itself a node of the tape. */
export function tapedCalls(): WasmCalls | undefined {
  const engine = tf.engine();
  if (!asked || engine.backendName !== "wasm") return undefined;
  const backend = engine.backend as WasmBackend;
  const { wasm } = backend;
  const known = KNOWN.get(wasm);
  if (known !== undefined) return known ?? undefined;
  const assembly = instantiate(wasm.asm?.memory);
  const made = assembly && new WasmCalls(backend, assembly);
  KNOWN.set(wasm, made ?? null);
  return made;
}

/** Not where the memory is shared by threads, or there is no SIMD. */
function instantiate(memory: WebAssembly.Memory | undefined): Assembly | undefined {
  if (!memory) return undefined;
  try {
    const bytes = Uint8Array.from(atob(ASSEMBLY), (letter) => letter.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    return exports as unknown as Assembly;
  } catch {
    return undefined;
  }
}

/** Ops of a pass in one call each. Results are tensors as any, in the scope of the caller. */
export class WasmCalls {
  readonly #softmax: (...given: unknown[]) => void;
  readonly #erf: (...given: unknown[]) => void;
  readonly #exp: (...given: unknown[]) => void;

  constructor(
    private readonly backend: WasmBackend,
    private readonly assembly: Assembly,
  ) {
    const { wasm } = backend;
    this.#softmax = wasm.cwrap("Softmax", null, ["number", "number", "number", "number"]);
    this.#erf = wasm.cwrap("Erf", null, ["number", "number", "number"]);
    this.#exp = wasm.cwrap("Exp", null, ["number", "number", "number"]);
  }

  /** x [.., in] by a matrix [in, out], and a bias [out] if there is one: `shape`. */
  linear(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, shape: readonly number[]): tf.Tensor {
    const [inside, outside] = weight.shape as [number, number];
    const columns = columnsAtOnce(inside, outside);
    const out = this.backend.makeOutput(shape, "float32");
    const scratch = this.backend.makeOutput([inside, columns], "float32");
    this.assembly.linear(
      ...[this.#at(x), this.#at(weight), bias ? this.#at(bias) : 0, this.#at(out), this.#at(scratch)],
      ...[x.size / inside, inside, outside, columns],
    );
    this.backend.disposeData(scratch.dataId);
    return this.#tensor(out);
  }

  /** The gradient of a product with a matrix [in, out] towards x, given that towards its result: `shape`, x's. */
  linearBackward(dy: tf.Tensor, weight: tf.Tensor, shape: readonly number[]): tf.Tensor {
    const [inside, outside] = weight.shape as [number, number];
    const columns = columnsAtOnce(outside, inside);
    const out = this.backend.makeOutput(shape, "float32");
    const scratch = this.backend.makeOutput([outside, columns], "float32");
    const tensors = [dy, weight, out, scratch].map((tensor) => this.#at(tensor));
    this.assembly.linearBackward(...tensors, dy.size / outside, outside, inside, columns);
    this.backend.disposeData(scratch.dataId);
    return this.#tensor(out);
  }

  /** Of x, or of x + y, over the last axis. */
  layerNorm(x: tf.Tensor, { weight, bias }: LayerNorm, epsilon: number, y?: tf.Tensor): tf.Tensor {
    const out = this.backend.makeOutput(x.shape, "float32");
    const [from, to] = [this.#at(x), this.#at(out)];
    if (y) this.assembly.add(from, this.#at(y), to, x.size);
    const { size: width } = weight;
    const tensors = [weight, bias].map((tensor) => this.#at(tensor));
    this.assembly.layerNorm(y ? to : from, ...tensors, to, x.size / width, width, epsilon);
    return this.#tensor(out);
  }

  layerNormBackward(x: tf.Tensor, weight: tf.Tensor, dy: tf.Tensor, epsilon: number): tf.Tensor {
    const out = this.backend.makeOutput(x.shape, "float32");
    const { size: width } = weight;
    const tensors = [x, weight, dy, out].map((tensor) => this.#at(tensor));
    this.assembly.layerNormBackward(...tensors, x.size / width, width, epsilon);
    return this.#tensor(out);
  }

  /** x Φ(x) */
  gelu(x: tf.Tensor): tf.Tensor {
    const out = this.#erfOf(x);
    this.assembly.gate(this.#at(x), this.#at(out), x.size);
    return this.#tensor(out);
  }

  /** dy (Φ(x) + x φ(x)) */
  geluBackward(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
    const erf = this.#erfOf(x);
    const exponents = this.backend.makeOutput(x.shape, "float32");
    const out = this.backend.makeOutput(x.shape, "float32");
    this.assembly.exponents(this.#at(x), this.#at(exponents), x.size, -0.5 * Math.log(2 * Math.PI));
    this.#exp(this.#data(exponents).id, FLOAT32, this.#data(out).id);
    this.assembly.gateBackward(...[x, erf, out, dy].map((tensor) => this.#at(tensor)), x.size);
    for (const { dataId } of [erf, exponents]) this.backend.disposeData(dataId);
    return this.#tensor(out);
  }

  /** erf(x / √2) */
  #erfOf(x: tf.Tensor): tf.TensorInfo {
    const scaled = this.backend.makeOutput(x.shape, "float32");
    const out = this.backend.makeOutput(x.shape, "float32");
    this.assembly.scaled(this.#at(x), this.#at(scaled), x.size, Math.SQRT1_2);
    this.#erf(this.#data(scaled).id, FLOAT32, this.#data(out).id);
    this.backend.disposeData(scaled.dataId);
    return out;
  }

  /** `values` where `where` is not 0, else `base`; undefined where they are broadcast along other axes than the first. */
  blend(base: tf.Tensor, values: tf.Tensor, where: tf.Tensor): tf.Tensor | undefined {
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(base.shape, values.shape);
    const [size, rows] = [shape.at(-1)!, shape.slice(0, -1)];
    if (where.shape.at(-1) !== 1 || !ends(where.shape.slice(0, -1), rows)) return undefined;
    if (![base, values].every((tensor) => tensor.shape.at(-1) === size && ends(tensor.shape, shape))) return undefined;
    const out = this.backend.makeOutput(shape, "float32");
    const counts = [base.size / size, values.size / size, where.size, tf.util.sizeFromShape(rows)];
    this.assembly.blend(...[base, values, where, out].map((tensor) => this.#at(tensor)), ...counts, size);
    return this.#tensor(out);
  }

  /** [group, m, k] x [group, k, n] -> [group, m, n]. @param block so many terms are a sum; sums are then added. */
  products(a: tf.Tensor, b: tf.Tensor, block: number): tf.Tensor {
    const [groups, m, k] = a.shape as [number, number, number];
    const n = b.shape[2]!;
    const out = this.backend.makeOutput([groups, m, n], "float32");
    this.#packing(m, k * n, (panels) =>
      this.assembly.products(...[a, b, out].map((tensor) => this.#at(tensor)), groups, m, k, n, block, panels),
    );
    return this.#tensor(out);
  }

  /**
   * softmax(q kᵀ / √headDim) v: q [batch, query, head, headDim] and k, v [context, key, head, headDim] -> [batch, query,
   * head, headDim]. @param block of both products, as in `products`.
   */
  attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, block: number): tf.Tensor {
    const sizes = sizesOf(q, k);
    const pattern = this.#pattern(q, k, block);
    const out = this.backend.makeOutput(q.shape, "float32");
    this.#packing(sizes.rows, sizes.dim * sizes.keys, (panels) =>
      this.assembly.values(
        ...[pattern, v, out].map((tensor) => this.#at(tensor)),
        panels,
        ...Object.values(sizes),
        block,
      ),
    );
    this.backend.disposeData(pattern.dataId);
    return this.#tensor(out);
  }

  /** The gradients of the same towards q, k and v. */
  attendBackward(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, dz: tf.Tensor, block: number): tf.Tensor[] {
    const sizes = sizesOf(q, k);
    const { rows, keys, dim } = sizes;
    const pattern = this.#pattern(q, k, block);
    const towards = [q, k, v].map(({ shape }) => this.backend.makeOutput(shape, "float32"));
    const scratch = this.backend.makeOutput([2 * rows * keys + dim * (rows + keys)], "float32");
    this.assembly.attendBackward(
      ...[q, k, v, pattern, dz, ...towards, scratch].map((tensor) => this.#at(tensor)),
      ...[...Object.values(sizes), 1 / Math.sqrt(dim), block],
    );
    for (const { dataId } of [pattern, scratch]) this.backend.disposeData(dataId);
    return towards.map((info) => this.#tensor(info));
  }

  /** softmax(q kᵀ / √headDim): [context, head, batch / contexts · query, key]. */
  #pattern(q: tf.Tensor, k: tf.Tensor, block: number): tf.TensorInfo {
    const sizes = sizesOf(q, k);
    const { contexts, heads, rows, keys, dim } = sizes;
    const scratch = this.backend.makeOutput([dim, keys + rows], "float32");
    const scores = this.backend.makeOutput([contexts, heads, rows, keys], "float32");
    this.#packing(rows, dim * keys, (panels) =>
      this.assembly.scores(
        ...[q, k, scores, scratch].map((tensor) => this.#at(tensor)),
        ...[panels, ...Object.values(sizes), 1 / Math.sqrt(dim), block],
      ),
    );
    const { id } = this.#data(scores);
    this.#softmax(id, id, keys, contexts * heads * rows);
    this.backend.disposeData(scratch.dataId);
    return scores;
  }

  /** Rows by their numbers: [row, …] -> [number of rows, …]. The backend's gather takes 60 ns a number. */
  takeRows(x: tf.Tensor, rows: readonly number[]): tf.Tensor {
    const out = this.backend.makeOutput([rows.length, ...x.shape.slice(1)], "float32");
    const [from, to, bytes] = [this.#at(x), this.#at(out), (4 * x.size) / x.shape[0]!];
    const { HEAPU8 } = this.backend.wasm;
    for (const [at, row] of rows.entries())
      HEAPU8.copyWithin(to + at * bytes, from + row * bytes, from + (row + 1) * bytes);
    return this.#tensor(out);
  }

  /** Computes with room for so many packed numbers, where there are rows enough for that. */
  #packing(rows: number, numbers: number, compute: (panels: number) => void): void {
    const panels = rows < WORTH_PANELS ? undefined : this.backend.makeOutput([numbers], "float32");
    compute(panels ? this.#at(panels) : 0);
    if (panels) this.backend.disposeData(panels.dataId);
  }

  #data({ dataId }: tf.TensorInfo) {
    return this.backend.dataIdMap.get(dataId);
  }

  #at(tensor: tf.TensorInfo): number {
    return this.#data(tensor).memoryOffset;
  }

  #tensor(info: tf.TensorInfo): tf.Tensor {
    return tf.engine().makeTensorFromTensorInfo(info, this.backend) as tf.Tensor;
  }
}

/** float32 among the backend's types. */
const FLOAT32 = 0;

/** In the order in which the kernels take them. Queries that share a context are rows of one product. */
function sizesOf(q: tf.Tensor, k: tf.Tensor) {
  const [batch, queries, heads, dim] = q.shape as [number, number, number, number];
  const [contexts, keys] = k.shape as [number, number];
  return { contexts, heads, rows: (batch / contexts) * queries, keys, dim };
}
