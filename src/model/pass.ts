import * as tf from "@tensorflow/tfjs-core";
import {
  type Context,
  type Inputs,
  type Network,
  type Streams,
  towerOf,
  towersOf,
  upstreamOf,
} from "./architecture.js";
import { type Block, type BlockFunction, type BlockSite, type TowerGiven, valueAt, walking } from "./blocks/block.js";
import { keysValues } from "./kernels/attention.js";
import { placeRows } from "./kernels/places.js";
import type { Replacement } from "./kernels/values.js";
import type { Steps } from "./steps.js";

/** By tower: what each layer's cross-attention attends to. */
type Contexts = Readonly<Record<string, readonly Context[]>>;

/** A whole pass: the stream of every tower, what the towers attend to, and the answer. */
export interface Activations {
  readonly streams: Streams;
  readonly contexts: Contexts;
  /** Where one tower's rows stand among another's tokens. */
  readonly places?: readonly number[];
  /** [batch, choice] */
  readonly logits: tf.Tensor2D;
  /** What replaced values of the pass while it was computed, by tower and layer. */
  readonly edits?: Readonly<Record<string, ReadonlyMap<number, EditedBlock>>>;
}

/** Replaced values as they came out, with what they were made by. */
export type EditedBlock = { readonly [site in BlockSite]?: Edited };

/** A replaced value, and what replaced it. */
export interface Edited {
  readonly values: tf.Tensor;
  readonly by: Replacement;
}

/** Replacements by tower and layer. */
export type Patches = Readonly<Record<string, TowerGiven>>;

/** Replacements that are still being gathered. */
export type Gathered = Record<string, Map<number, { [site in BlockSite]?: Replacement }>>;

/** Those of a layer, to be added to. */
export function givenAt(patches: Gathered, tower: string, layer: number) {
  patches[tower] ??= new Map();
  const given = patches[tower].get(layer) ?? {};
  patches[tower].set(layer, given);
  return given;
}

/** All tensors of a pass, each once. */
export function tensorsOf({ streams, contexts, logits, edits = {} }: Activations): tf.Tensor[] {
  const attended = Object.values(contexts).flat();
  const edited = Object.values(edits).flatMap((layers) => [...layers.values()].flatMap(Object.values<Edited>));
  const values = edited.map(({ values }) => values);
  return [...new Set([...Object.values(streams).flat(), ...attended.flatMap(partsOf), logits, ...values])];
}

/** The last stream of every tower, [batch, token, width]. */
export const endsOf = ({ streams }: Pick<Activations, "streams">): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(streams).map(([tower, stream]) => [tower, stream.at(-1)!]));

/** The tensors of a context: rows, or keys and values. */
export const partsOf = (context: Context): tf.Tensor[] => ("k" in context ? [context.k, context.v] : [context]);

/** A context of the same kind. */
export const contextOf = ([first, second]: readonly tf.Tensor[]): Context =>
  second ? { k: first!, v: second } : first!;

/** A pass of the same kind, each of whose tensors is made of the old one, once. */
export function mapPass(pass: Activations, of: (tensor: tf.Tensor) => tf.Tensor): Activations {
  const made = new Map<tf.Tensor, tf.Tensor>();
  const once = (tensor: tf.Tensor) => {
    if (!made.has(tensor)) made.set(tensor, of(tensor));
    return made.get(tensor)!;
  };
  const each = <Item, Result>(all: Readonly<Record<string, readonly Item[]>>, map: (item: Item) => Result) =>
    Object.fromEntries(Object.entries(all).map(([tower, items]) => [tower, items.map(map)]));
  return {
    ...pass,
    streams: each(pass.streams, once),
    contexts: each(pass.contexts, (context) => contextOf(partsOf(context).map(once))),
    logits: once(pass.logits) as tf.Tensor2D,
  };
}

/**
 * A pass, in steps.
 *
 * @param known a pass that has seen the picture, where `inputs` has none. @param patches of its values.
 */
export function* forward(model: Network, inputs: Inputs, known?: Activations, patches?: Patches): Steps<Activations> {
  const unseen = (tower: string) => towerOf(model, tower).tokens === "image" && !inputs.pixels;
  const begin = (name: string, streams: Streams) => {
    if (unseen(name)) return undefined;
    const { embed, takes } = towerOf(model, name);
    const x = embed(model, inputs);
    return takes ? place(model, name, x, streams, inputs.places ?? []) : x;
  };
  return { ...(yield* passFrom(model, begin, known, patches)), places: inputs.places };
}

/** A tower's first input with another tower's rows at `places`. */
function place(model: Network, name: string, x: tf.Tensor, streams: Streams, places: readonly number[]): tf.Tensor {
  const takes = towerOf(model, name).takes!;
  return placeRows(x, takes.rows(model, streams[takes.tower]!.at(-1)!), places);
}

/**
 * A pass from what its towers begin with, in steps.
 *
 * @param begin a tower's first input [batch, token, width]; undefined where the tower is as in `known`.
 * @param patches of the values of towers that begin.
 */
export function* passFrom(
  model: Network,
  begin: (tower: string, streams: Streams) => tf.Tensor | undefined,
  known?: Activations,
  patches?: Patches,
): Steps<Activations> {
  const edits: Record<string, ReadonlyMap<number, EditedBlock>> = {};
  const streams: Record<string, readonly tf.Tensor[]> = {};
  const contexts: Record<string, readonly Context[]> = {};
  for (const [name, tower] of towersOf(model)) {
    const x = begin(name, streams);
    const attended = tower.attends && streams[tower.attends.tower]!;
    const same = attended !== undefined && attended === known?.streams[tower.attends!.tower];
    contexts[name] = same ? known!.contexts[name]! : attended ? attend(model, name, attended.at(-1)!) : [];
    const blocks = towerBlocks(model, name, contexts[name]);
    if (x && patches?.[name]) [streams[name], edits[name]] = yield* walkEdited(blocks, x, patches[name]);
    else streams[name] = x ? yield* walking(blocks, x) : known!.streams[name]!;
  }
  return { streams, contexts, places: known?.places, logits: readLogits(model, streams), ...(patches && { edits }) };
}

/** As `walking`, and the values that were replaced: a pass that is read later has them as they were. */
function* walkEdited(
  blocks: readonly BlockFunction[],
  x: tf.Tensor,
  given: TowerGiven,
): Steps<[tf.Tensor[], Map<number, EditedBlock>]> {
  const stream = [x];
  const edited = new Map<number, EditedBlock>();
  for (const [layer, block] of blocks.entries()) {
    const replaced = Object.entries(given.get(layer) ?? {}) as [BlockSite, Replacement][];
    const [output, ...values] = tf.tidy(() => {
      const values = block(stream.at(-1)!, { given: given.get(layer) });
      return [values.stream.resid_post, ...replaced.map(([site]) => valueAt(values, site))];
    });
    stream.push(output!);
    edited.set(layer, Object.fromEntries(replaced.map(([site, by], i) => [site, { values: values[i]!, by }])));
    yield;
  }
  return [stream, edited];
}

/**
 * The logits [batch, choice] of a pass patched in any number of places, which continues `base` from the first of
 * them: nothing before that layer is computed again. In steps. Replacements may have a larger batch than
 * `base`; the rows then share what `base` knows.
 */
export function resume(model: Network, base: Activations, patches: Patches): Steps<tf.Tensor2D> {
  const begins = Object.entries(patches).filter(([, given]) => given.size > 0);
  const first = Object.fromEntries(begins.map(([name, given]) => [name, Math.min(...given.keys())]));
  return resumeFrom(model, base, first, (name, blocks, x, from) => walking(blocks, x, from, patches[name]));
}

/** Takes a tower's blocks from layer `from`, whose input is `x`, to its streams from there on, the last one last. */
type Walk = (
  tower: string,
  blocks: readonly BlockFunction[],
  x: tf.Tensor,
  from: number,
) => Steps<readonly tf.Tensor[]>;

/** The same where `walk` knows what is patched. @param first the first layer that is, by tower. */
export function* resumeFrom(
  model: Network,
  base: Activations,
  first: Readonly<Record<string, number>>,
  walk: Walk,
): Steps<tf.Tensor2D> {
  const streams = { ...base.streams };
  const contexts = { ...base.contexts };
  const moved = new Set<string>();
  for (const [name, tower] of towersOf(model)) {
    const read = upstreamOf(tower);
    const upstream = read !== undefined && moved.has(read);
    if (!upstream && first[name] === undefined) continue;
    if (upstream && tower.attends) contexts[name] = attend(model, name, streams[read]!.at(-1)!);
    const from = upstream ? 0 : first[name]!;
    const begun = base.streams[name]![from]!;
    const x = upstream && tower.takes ? place(model, name, begun, streams, base.places ?? []) : begun;
    streams[name] = yield* walk(name, towerBlocks(model, name, contexts[name]!), x, from);
    moved.add(name);
  }
  return moved.has(model.architecture.readout.tower) ? readLogits(model, streams) : base.logits;
}

/** What each layer of a tower attends to, from the last stream of the tower that it attends to. */
function attend(model: Network, name: string, last: tf.Tensor): Context[] {
  const { attends, size } = towerOf(model, name);
  const rows = attendedRows(model, name, last);
  const { layers, heads } = size(model.config);
  return Array.from({ length: layers }, (_, layer) => {
    const projection = attends?.projection?.(model, layer);
    return projection ? keysValues(projection, rows, heads) : rows;
  });
}

/** The rows [batch, token, width] that a tower attends to. */
export function attendedRows(model: Network, name: string, last: tf.Tensor): tf.Tensor {
  return towerOf(model, name).attends?.rows?.(model, last) ?? last;
}

/** The values of one layer of a pass. They compute themselves when read: read them inside a `tf.tidy`. */
export function blockOf(model: Network, run: Activations, tower: string, layer: number): Block {
  const given = run.edits?.[tower]?.get(layer);
  return towerBlocks(model, tower, run.contexts[tower]!)[layer]!(run.streams[tower]![layer]!, { given });
}

/** The layers of a tower over what they attend to. */
export function towerBlocks(model: Network, name: string, contexts: readonly Context[]): BlockFunction[] {
  const tower = towerOf(model, name);
  const { layers } = tower.size(model.config);
  return Array.from(
    { length: layers },
    (_, layer) => (x, beside) => tower.block(model, layer, x, { ...beside, context: contexts[layer] }),
  );
}

/** [batch, choice] */
function readLogits(model: Network, streams: Streams): tf.Tensor2D {
  const { tower, logits } = model.architecture.readout;
  return logits(model, streams[tower]!.at(-1)!);
}
