import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { turn } from "../base/turn.js";
import type { Checkpoint, ModelConfig } from "./format.js";
import { HalfMatrix } from "./half.js";
import { eachLeaf, isLeaf, type Place, placesByName, type WeightTree } from "./place.js";
import { readFloats, readHalves, type TensorEntry } from "./safetensors.js";

interface Told {
  readonly name: string;
  readonly warn?: (message: string) => void;
}

/** In how many bits weights stand in memory. Computing is in float32 whatever it is. */
export type WeightBits = 16 | 32;

/**
 * The weights of a checkpoint, tensor by tensor, so that no more than one stands in memory twice. The caller disposes
 * of them (`disposeWeights`).
 *
 * @param told.name the checkpoint's, in errors. @param told.warn hears of tensors that are no part of the model.
 * @param bits with 16, a matrix is kept outside the backend, and every time that the tree is asked for it, it is a new
 * tensor: read it inside a `tf.tidy`.
 * @throws NoticeError `checkpoint` naming every missing, unused and misshapen tensor, before anything is read; and the
 * one that holds a value that is not finite.
 */
export async function loadWeights(
  stored: Checkpoint,
  config: ModelConfig,
  found: ReadonlyMap<string, TensorEntry>,
  told: Told,
  bits: WeightBits = 32,
): Promise<WeightTree> {
  const entries = withoutPrefix(stored, config, found);
  const tree = stored.places(config, new Set(entries.keys()));
  const { ignored, unused } = stored;
  const passedOver = (name: string) =>
    ignored.test(name) || unused?.(config, name) || stored.aliases.some((names) => names.includes(name));
  const counted = [...entries.keys()].filter((name) => !passedOver(name));
  checkPlaces(placesByName(tree), entries, counted, { ...told, className: stored.className });
  for (const names of stored.aliases) await checkAliases(names, entries, told.name);
  const loaded: tf.Tensor[] = [];
  try {
    return await mapLeaves(tree, async (place) => {
      const entry = entries.get(place.name)!;
      const half = bits === 16 && isMatrix(place) && (await readHalf(place, entry));
      if (half) return half;
      if (half === undefined) (told.warn ?? console.warn)(tooLarge(told.name, place.name));
      const tensor = await readPlace(place, entry);
      loaded.push(tensor);
      handOver(tensor);
      return tensor;
    });
  } catch (error) {
    tf.dispose(loaded);
    throw error;
  }
}

/** Frees every tensor of the tree. */
export function disposeWeights(weights: WeightTree): void {
  eachLeaf<tf.Tensor>(weights, (tensor) => tensor.dispose());
}

/** Of such a checkpoint, in numbers: all that it learned, how much of that matrices are, and the largest tensor. */
export function weightCounts(
  stored: Checkpoint,
  config: ModelConfig,
): { total: number; matrices: number; largest: number } {
  const counts = { total: 0, matrices: 0, largest: 0 };
  eachLeaf<Place>(stored.places(config, new Set()), (place) => {
    const count = sizeOf(place);
    const own = count / (place.third === undefined ? 1 : 3);
    counts.total += own;
    if (isMatrix(place)) counts.matrices += own;
    counts.largest = Math.max(counts.largest, count);
  });
  return counts;
}

/** What may be kept in 16 bits: all that is large, but for the patches of the picture. */
const isMatrix = ({ shape, layout }: Place) => shape.length === 2 && layout !== "patches";

/** What wrappers put before all names of a model that they hold. */
const PREFIXES = ["model.", "module.", "_orig_mod."];

/** The tensors by the names that the model has for them: without a wrapper's prefix where more of them are found so. */
function withoutPrefix(
  stored: Checkpoint,
  config: ModelConfig,
  entries: ReadonlyMap<string, TensorEntry>,
): ReadonlyMap<string, TensorEntry> {
  const lacking = (names: ReadonlyMap<string, TensorEntry>) =>
    [...placesByName(stored.places(config, new Set(names.keys()))).keys()].filter((name) => !names.has(name)).length;
  let best = { entries, lacking: lacking(entries) };
  for (const prefix of best.lacking > 0 ? PREFIXES : []) {
    const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
    const renamed = new Map([...entries].map(([name, entry]) => [short(name), entry]));
    if (renamed.size === entries.size && lacking(renamed) < best.lacking)
      best = { entries: renamed, lacking: lacking(renamed) };
  }
  return best.entries;
}

function checkPlaces(
  expected: ReadonlyMap<string, Place>,
  entries: ReadonlyMap<string, TensorEntry>,
  counted: readonly string[],
  { name: checkpoint, warn = console.warn, className }: Told & { readonly className: string },
): void {
  const missing = [...expected.keys()].filter((name) => !entries.has(name));
  const extra = counted.filter((name) => !expected.has(name));
  const parts = new Set([...expected.keys()].map(partOf));
  const [heads, unused] = [true, false].map((isHead) =>
    extra.filter((name) => isHead === (!parts.has(partOf(name)) || POOLER.test(name))),
  ) as [string[], string[]];
  const misshapen = [...expected.values()]
    .filter(({ name, shape }) => entries.has(name) && `${entries.get(name)!.shape}` !== `${shape}`)
    .map(({ name, shape }) => `${name} is [${entries.get(name)!.shape}] where config.json asks for [${shape}]`);
  const complaints = [
    listed("missing", missing),
    listed("not part of the model", unused),
    listed("misshapen", misshapen),
    extra.some((name) => ADAPTER.test(name))
      ? "It holds an adapter beside the weights: merge_and_unload() of PEFT first."
      : "",
  ];
  if (complaints.some(Boolean))
    throw new NoticeError(
      "checkpoint",
      `${checkpoint} does not hold a ${className} of the shape in its config.json. ` +
        complaints.filter(Boolean).join(" "),
    );
  if (heads.length > 0) warn(`${checkpoint}: ${listed("of heads that the model does not have, left out", heads)}`);
}

/** Reads a tower's first token for whoever asks; nothing in the model does. */
const POOLER = /(^|\.)pooler\./;
const ADAPTER = /\.lora_[A-Z]|\.base_layer\./;
const partOf = (name: string) => name.split(".", 1)[0]!;

/** One tensor under several names: whoever reads another would have another model. */
async function checkAliases(
  names: readonly string[],
  entries: ReadonlyMap<string, TensorEntry>,
  checkpoint: string,
): Promise<void> {
  const stored = names.flatMap((name) => entries.get(name) ?? []);
  if (stored.length < 2) return;
  const [first, ...others] = (await Promise.all(stored.map(readFloats))) as [Float32Array, ...Float32Array[]];
  if (others.some((other) => first.length !== other.length || first.some((value, i) => value !== other[i])))
    throw new NoticeError(
      "checkpoint",
      `${checkpoint} holds one tensor as ${names.join(" and as ")}, and the two differ; they must be equal.`,
    );
}

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const rest = names.length > 5 ? `, and ${names.length - 5} more` : "";
  return `${names.length} ${names.length === 1 ? "tensor" : "tensors"} ${what}: ${names.slice(0, 5).join(", ")}${rest}.`;
}

async function readPlace(place: Place, entry: TensorEntry): Promise<tf.Tensor> {
  const { values, shape } = ownPart(place, await readFloats(entry));
  const [rows, ...rest] = shape;
  if (place.layout === undefined) return tf.tensor(values, shape);
  const columns = rest.reduce((product, side) => product * side, 1);
  if (place.layout === "transposed")
    return tf.tensor(transpose(values, new Float32Array(values.length), rows, columns), [columns, rows]);
  return tf.tidy(() => {
    const stored = tf.tensor(values, shape); // [width, 3, y, x]
    return tf.reshape(tf.transpose(stored, [2, 3, 1, 0]), [columns, rows]);
  });
}

const tooLarge = (checkpoint: string, tensor: string) =>
  `${checkpoint}: ${tensor} holds a value that float16 can't, and stays in 32 bits.`;

/** A matrix in 16 bits; undefined where it holds a value that float16 can't. */
async function readHalf(place: Place, entry: TensorEntry): Promise<HalfMatrix | undefined> {
  const read = await readHalves(entry);
  if (!read) return undefined;
  const { values, shape } = ownPart(place, read.bits);
  const [rows, columns] = shape as [number, number];
  if (place.layout === undefined) return new HalfMatrix(values, read.kind, [rows, columns]);
  return new HalfMatrix(transpose(values, new Uint16Array(values.length), rows, columns), read.kind, [columns, rows]);
}

/** The third of the values that is a place's, if it has one third: in a copy, so that the rest is let go of. */
function ownPart<Values extends Float32Array | Uint16Array>({ shape, third }: Place, values: Values) {
  const [rows, ...rest] = shape as [number, ...number[]];
  if (third === undefined) return { values, shape: [rows, ...rest] as [number, ...number[]] };
  const each = values.length / 3;
  const part = values.slice(third * each, (third + 1) * each) as Values;
  return { values: part, shape: [rows / 3, ...rest] as [number, ...number[]] };
}

/**
 * Makes the backend take the values now. TensorFlow copies them at a tensor's first use; all weights would then stand
 * in memory twice during the first pass, since the collector learns nothing of what is native.
 */
function handOver(tensor: tf.Tensor): void {
  const [first, one] = [0, 1].map((each) => tensor.shape.map(() => each)) as [number[], number[]];
  tf.dispose(tf.slice(tensor, first, one));
}

/** [rows, columns] -> [columns, rows], in tiles that stay in the cache. */
function transpose<Values extends Float32Array | Uint16Array>(
  values: Values,
  out: Values,
  rows: number,
  columns: number,
): Values {
  const TILE = 32;
  for (let top = 0; top < rows; top += TILE)
    for (let left = 0; left < columns; left += TILE)
      for (let row = top; row < Math.min(top + TILE, rows); row++)
        for (let column = left; column < Math.min(left + TILE, columns); column++)
          out[column * rows + row] = values[row * columns + column] as number;
  return out;
}

/**
 * The same tree of what was read; a matrix in 16 bits is widened each time that it is asked for. One leaf after the
 * other, not at once, and the largest first, when least stands beside it: that is what keeps the peak low.
 */
async function mapLeaves(tree: WeightTree, of: (place: Place) => Promise<tf.Tensor | HalfMatrix>): Promise<WeightTree> {
  const slots: Slot[] = [];
  const made = copyOf(tree, slots);
  for (const { node, name, place } of slots.sort((a, b) => sizeOf(b.place) - sizeOf(a.place))) {
    await turn();
    const value = await of(place);
    // Not enumerable, so that whoever goes through the tree widens nothing.
    if (value instanceof HalfMatrix) Object.defineProperty(node, name, { get: () => value.widen() });
    else Object.assign(node, { [name]: value });
  }
  return made;
}

/** Where a leaf goes. */
interface Slot {
  readonly node: object;
  readonly name: string;
  readonly place: Place;
}

const sizeOf = ({ shape }: Place) => shape.reduce((product, side) => product * side, 1);

/** The tree without its leaves, whose slots are added to a list. */
function copyOf(tree: WeightTree, slots: Slot[]): object {
  const node: object = Array.isArray(tree) ? [] : {};
  for (const [name, child] of Object.entries(tree))
    if (isLeaf(child)) slots.push({ node, name, place: child as Place });
    else Object.assign(node, { [name]: copyOf(child as WeightTree, slots) });
  return node;
}
