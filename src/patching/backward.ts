import * as tf from "@tensorflow/tfjs-core";
import { type Network, towerOf, towersOf, upstreamOf } from "../model/architecture.js";
import type { BlockGiven, BlockSite } from "../model/blocks/block.js";
import { registerGradients } from "../model/kernels/gradients.js";
import { headsBackward } from "../model/kernels/linear.js";
import { replace } from "../model/kernels/values.js";
import { type Activations, attendedRows, contextOf, type EditedBlock, partsOf, towerBlocks } from "../model/pass.js";
import type { Steps } from "../model/steps.js";
import type { LogitMetric } from "./metrics.js";
import { siteShape } from "./run.js";
import type { SiteParts } from "./sites.js";

// The backward pass goes layer by layer. A pass keeps its streams, so each layer is computed again from its input,
// differentiated and freed. Only one layer's values are in memory, and only layers that lead to the wanted sites are
// differentiated.

/** A layer of a tower. */
export interface LayerAt {
  readonly tower: string;
  readonly layer: number;
}

/** A site whose gradients are wanted. */
export interface Wanted {
  readonly site: SiteParts;
  /** Reduces a layer's gradient as soon as it is known, so that it need not be held. Default: keeps the gradient. */
  readonly use?: (gradient: tf.Tensor, layer: number) => tf.Tensor;
}

/**
 * Gradients of `objective` with respect to values of one pass, or of several in one batch: for each site and layer,
 * [pass, …] in the shape of the site's value. In steps.
 *
 * @param run where gradients go into the tower that sees the picture, every pass has its own.
 * @param dropped for each pass a layer of which no gradient is taken: what it writes into the stream counts as
 * constant.
 */
export function* siteGradients(
  model: Network,
  run: Activations,
  objective: LogitMetric,
  wanted: readonly Wanted[],
  dropped: readonly (LayerAt | undefined)[] = [],
): Steps<tf.Tensor[][]> {
  registerGradients();
  const found: tf.Tensor[][] = wanted.map(() => []);
  const leading = towersAfter(model, new Set(wanted.map(({ site }) => site.tower)));
  /** Gradients towards the last stream of a tower. */
  const towards = new Map([[model.architecture.readout.tower, readoutBackward(model, run, objective)]]);
  for (const [tower, { attends, takes }] of towersOf(model).reverse()) {
    let dy = towards.get(tower);
    if (!dy || !leading.has(tower)) continue;
    const toTaken = takes !== undefined && leading.has(takes.tower);
    const toContext = attends !== undefined && leading.has(attends.tower);
    const contexts: tf.Tensor[][] = [];
    for (let layer = run.streams[tower]!.length - 2; layer >= 0; layer--) {
      const at: LayerStep = { tower, layer, dy, wanted, dropped, toContext, toTaken };
      const back: Back = tf.tidy(() => layerBackward(model, run, at));
      for (const [i, made] of back.made.entries()) if (made) found[i]!.unshift(made);
      contexts.unshift(back.context);
      dy = back.x[0] ?? dy;
      yield;
    }
    if (toContext)
      towards.set(
        attends.tower,
        tf.tidy(() => contextsBackward(model, run, tower, contexts)),
      );
    if (toTaken) towards.set(takes.tower, takenBackward(model, run, tower, dy));
  }
  return found;
}

/** These towers and all that attend to them. */
export function towersAfter(model: Network, towers: ReadonlySet<string>): ReadonlySet<string> {
  const after = new Set(towers);
  for (const [name, tower] of towersOf(model)) {
    const read = upstreamOf(tower);
    if (read !== undefined && after.has(read)) after.add(name);
  }
  return after;
}

function readoutBackward(model: Network, run: Activations, objective: LogitMetric): tf.Tensor {
  const { tower, logits } = model.architecture.readout;
  const read = (last: tf.Tensor) => tf.sum(objective(logits(model, last)));
  return tf.grad(read)(run.streams[tower]!.at(-1)!);
}

interface LayerStep extends LayerAt {
  /** Towards the layer's output. */
  readonly dy: tf.Tensor;
  readonly wanted: readonly Wanted[];
  readonly dropped: readonly (LayerAt | undefined)[];
  /** Also towards what its cross-attention attends to. */
  readonly toContext: boolean;
  /** Also towards the first layer's input, into which another tower's rows are put. */
  readonly toTaken: boolean;
}

/** Towards a layer's input, if it is wanted, and its context; and what is made of those of its sites. */
type Back = {
  x: tf.Tensor[];
  context: tf.Tensor[];
  made: (tf.Tensor | undefined)[];
};

/**
 * From the gradient of a layer's output to those of its input and its context, and to the reduced ones of its sites.
 */
function layerBackward(model: Network, run: Activations, step: LayerStep): Back {
  const { tower, layer, dy, wanted } = step;
  const contexts = run.contexts[tower]!;
  const context = step.toContext ? partsOf(contexts[layer]!) : [];
  const sites = new Map(wanted.flatMap(({ site }) => (site.tower === tower ? [[site.within, site]] : [])));
  const places = [...sites.keys()];
  // A site's gradient is that towards something added to it.
  const added = [...sites.values()].map((site) => tf.zeros(siteShape(model, run, site)));
  // What enters the first layer is the embedding, towards which nothing is wanted but what is put into it.
  const input = run.streams[tower]![layer]!;
  const streams = layer > 0 || step.toTaken ? [input] : [];
  const passes = gradientMask(step);
  const output = (...inputs: tf.Tensor[]) => {
    const [[x], at, deltas] = cut(inputs, streams.length, context.length);
    const added = (place: BlockSite) => deltas[places.indexOf(place)];
    const attended = at.length > 0 ? contexts.with(layer, contextOf(at)) : contexts;
    const given = rewrites({ places, added, passes, edits: run.edits?.[tower]?.get(layer) });
    return towerBlocks(model, tower, attended)[layer]!(x ?? input, { given }).stream.resid_post;
  };
  const gradients = tf.grads(output)([...streams, ...context, ...added], dy);
  const [x, towardsContext, towardsSites] = cut(gradients, streams.length, context.length);
  const made = wanted.map(({ site, use = (gradient) => gradient }) =>
    site.tower === tower ? use(towardsSites[places.indexOf(site.within)]!, layer) : undefined,
  );
  return { x, context: towardsContext, made };
}

/**
 * 0 for the passes in which this layer is dropped, 1 for the others: [pass, 1, 1]. Undefined where it is dropped in
 * none.
 */
function gradientMask({ tower, layer, dropped }: LayerStep): tf.Tensor | undefined {
  const passes = dropped.map((one) => (one?.tower === tower && one.layer === layer ? 0 : 1));
  return passes.every((passes) => passes === 1) ? undefined : tf.tensor3d(passes, [passes.length, 1, 1]);
}

/** What a layer writes into its stream. */
const WRITTEN: readonly BlockSite[] = ["self.out", "cross.out", "mlp.out"];

/** How a layer is computed again. */
interface Again {
  /** Where something is added to its values, and what. */
  readonly places: readonly BlockSite[];
  added(place: BlockSite): tf.Tensor | undefined;
  /** What the gradients of what the layer writes are multiplied by. */
  readonly passes: tf.Tensor | undefined;
  /** What was edited in it: what follows is differentiated through these functions. */
  readonly edits?: EditedBlock;
}

function rewrites({ places, added, passes, edits = {} }: Again): BlockGiven {
  const given: { [site in BlockSite]?: { values: (computed: tf.Tensor) => tf.Tensor } } = {};
  const edited = Object.keys(edits) as BlockSite[];
  for (const place of new Set([...places, ...edited, ...(passes ? WRITTEN : [])])) {
    const delta = added(place);
    const moved = (computed: tf.Tensor) => (delta ? tf.add(computed, delta) : computed);
    const holds = passes !== undefined && WRITTEN.includes(place);
    const values = (computed: tf.Tensor) => moved(replace(edits[place]?.by, () => computed));
    given[place] = { values: (computed) => (holds ? hold(values(computed), passes) : values(computed)) };
  }
  return given;
}

/** The value itself, its gradient times `passes`. */
function hold(value: tf.Tensor, passes: tf.Tensor): tf.Tensor {
  return tf.customGrad((value) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, passes),
  }))(value);
}

/** Cuts a list into consecutive parts of the given lengths. */
function cut(list: tf.Tensor[], first: number, second: number): [tf.Tensor[], tf.Tensor[], tf.Tensor[]] {
  return [list.slice(0, first), list.slice(first, first + second), list.slice(first + second)];
}

/** From the gradient of a tower's first input to the gradient of the last stream whose rows are put into it. */
function takenBackward(model: Network, run: Activations, tower: string, dy: tf.Tensor): tf.Tensor {
  const takes = towerOf(model, tower).takes!;
  return tf.tidy(() => {
    const rows = tf.gather(dy, tf.tensor1d([...(run.places ?? [])], "int32"), 1);
    return tf.grad((last: tf.Tensor) => takes.rows(model, last))(run.streams[takes.tower]!.at(-1)!, rows);
  });
}

/** From the gradients of what every layer attends to, to the gradient of the attended tower's last stream. */
function contextsBackward(
  model: Network,
  run: Activations,
  tower: string,
  contexts: readonly tf.Tensor[][],
): tf.Tensor {
  const attends = towerOf(model, tower).attends!;
  const towards = contexts.flatMap((parts, layer) => {
    const projection = attends.projection?.(model, layer);
    if (!projection) return parts;
    const [k, v] = parts as [tf.Tensor, tf.Tensor];
    return [headsBackward(k, projection.key), headsBackward(v, projection.value)];
  });
  const sum = tf.addN(towards);
  if (!attends.rows) return sum;
  return tf.grad((last: tf.Tensor) => attendedRows(model, tower, last))(run.streams[attends.tower]!.at(-1)!, sum);
}
