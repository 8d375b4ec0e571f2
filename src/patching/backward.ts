import * as tf from "@tensorflow/tfjs-core";
import { mergeHeads } from "../model/attention.js";
import { type Activations, type BlipModel, TOWERS, type Tower, towerBlocks } from "../model/blip.js";
import type { BlockGiven, BlockSite } from "../model/block.js";
import { readLogits } from "../model/decoder.js";
import { registerGradients } from "../model/gradients.js";
import { linearBackward } from "../model/linear.js";
import { finishImage } from "../model/vision.js";
import type { LogitMetric } from "./metrics.js";
import { siteShape } from "./run.js";
import type { SiteParts } from "./sites.js";

// Backwards layer by layer: a pass keeps its streams, so each layer is computed again from its input, differentiated, and let go.
// No more than one layer's values stand in memory, and only what leads to the sites that are asked for is differentiated.

/** A layer of one of the towers. */
export interface LayerAt {
  readonly tower: Tower;
  readonly layer: number;
}

/** A site whose gradients are wanted. */
export interface Wanted {
  readonly site: SiteParts;
  /** What is made of a layer's gradient at once, so that no other's is held with it. Default: the gradient itself. */
  readonly use?: (gradient: tf.Tensor, layer: number) => tf.Tensor;
}

/**
 * The gradients of `objective` towards values of a pass, or of several in one batch: per site and layer, [pass, …] in the shape of the
 * site's value. Call inside a `tf.tidy`.
 *
 * @param run where gradients go into the vision tower, every pass has its own image.
 * @param dropped for each pass a layer of which no gradient is taken: what it writes into the stream counts as constant.
 */
export function siteGradients(
  model: BlipModel,
  run: Activations,
  objective: LogitMetric,
  wanted: readonly Wanted[],
  dropped: readonly (LayerAt | undefined)[] = [],
): tf.Tensor[][] {
  registerGradients();
  const found: tf.Tensor[][] = wanted.map(() => []);
  const first = Math.min(...wanted.map(({ site }) => TOWERS.indexOf(site.tower)));
  let dy = readoutBackward(model, run, objective);
  for (const tower of TOWERS.slice(first).reverse()) {
    const contexts: tf.Tensor[][] = [];
    for (let layer = run[tower].length - 2; layer >= 0; layer--) {
      const back = tf.tidy(() =>
        layerBackward(model, run, { tower, layer, dy, wanted, dropped, toContext: TOWERS.indexOf(tower) > first }),
      );
      for (const [i, made] of back.made.entries()) if (made) found[i]!.unshift(made);
      contexts.unshift(back.context);
      dy = back.x[0] ?? dy;
    }
    if (tower === TOWERS[first]) break;
    dy = tf.tidy(() =>
      tower === "decoder" ? tf.addN(contexts.map(([hidden]) => hidden!)) : imageBackward(model, run, contexts),
    );
  }
  return found;
}

function readoutBackward({ config, weights }: BlipModel, run: Activations, objective: LogitMetric): tf.Tensor {
  const read = (last: tf.Tensor) => tf.sum(objective(readLogits(weights.decoder.readout, config.text, last)));
  return tf.grad(read)(run.decoder.at(-1)!);
}

interface LayerStep extends LayerAt {
  /** Towards the layer's output. */
  readonly dy: tf.Tensor;
  readonly wanted: readonly Wanted[];
  readonly dropped: readonly (LayerAt | undefined)[];
  /** Also towards what its cross-attention attends to. */
  readonly toContext: boolean;
}

/** From the gradient towards a layer's output to those towards its input and its context, and to what is made of those of its sites. */
function layerBackward(model: BlipModel, run: Activations, step: LayerStep) {
  const { tower, layer, dy, wanted } = step;
  const context = step.toContext ? contextOf(run, tower, layer) : [];
  const sites = new Map(wanted.flatMap(({ site }) => (site.tower === tower ? [[site.within, site]] : [])));
  const places = [...sites.keys()];
  // A site's gradient is that towards something added to it.
  const added = [...sites.values()].map((site) => tf.zeros(siteShape(model, run, site)));
  // What enters the first layer is the embedding, towards which nothing is wanted.
  const streams = layer > 0 ? [run[tower][layer]!] : [];
  const passes = gradientMask(step);
  const output = (...inputs: tf.Tensor[]) => {
    const [[x], at, deltas] = partsOf(inputs, streams.length, context.length);
    const added = (place: BlockSite) => deltas[places.indexOf(place)];
    const towers = at.length > 0 ? withContext(run, tower, layer, at) : run;
    const given = rewrites(places, added, passes);
    return towerBlocks(model, tower, towers)[layer]!(x ?? run[tower][layer]!, given).stream.resid_post;
  };
  const gradients = tf.grads(output)([...streams, ...context, ...added], dy);
  const [x, towardsContext, towardsSites] = partsOf(gradients, streams.length, context.length);
  const made = wanted.map(({ site, use = (gradient) => gradient }) =>
    site.tower === tower ? use(towardsSites[places.indexOf(site.within)]!, layer) : undefined,
  );
  return { x, context: towardsContext, made };
}

/** 0 for the passes in which this layer is dropped, 1 for the others: [pass, 1, 1]. Undefined where it is dropped in none. */
function gradientMask({ tower, layer, dropped }: LayerStep): tf.Tensor | undefined {
  const passes = dropped.map((one) => (one?.tower === tower && one.layer === layer ? 0 : 1));
  return passes.every((passes) => passes === 1) ? undefined : tf.tensor3d(passes, [passes.length, 1, 1]);
}

/** What a layer writes into its stream. */
const WRITTEN: readonly BlockSite[] = ["self.out", "cross.out", "mlp.out"];

/** A layer's values with something added to those at `places`, and what it writes with as much of its gradient as `passes`. */
function rewrites(
  places: readonly BlockSite[],
  added: (place: BlockSite) => tf.Tensor | undefined,
  passes: tf.Tensor | undefined,
): BlockGiven {
  const given: { [site in BlockSite]?: { values: (computed: tf.Tensor) => tf.Tensor } } = {};
  for (const place of new Set([...places, ...(passes ? WRITTEN : [])])) {
    const delta = added(place);
    const moved = (computed: tf.Tensor) => (delta ? tf.add(computed, delta) : computed);
    const holds = passes !== undefined && WRITTEN.includes(place);
    given[place] = { values: (computed) => (holds ? hold(moved(computed), passes) : moved(computed)) };
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

/** A list cut after so many and so many more. */
function partsOf(list: tf.Tensor[], first: number, second: number): [tf.Tensor[], tf.Tensor[], tf.Tensor[]] {
  return [list.slice(0, first), list.slice(first, first + second), list.slice(first + second)];
}

/** What a layer's cross-attention attends to: the image's keys and values, or the text encoder's output. */
function contextOf({ imageKeysValues, text }: Activations, tower: Tower, layer: number): tf.Tensor[] {
  if (tower === "vision") return [];
  const { k, v } = imageKeysValues[layer]!;
  return tower === "text" ? [k, v] : [text.at(-1)!];
}

function withContext(run: Activations, tower: Tower, layer: number, context: readonly tf.Tensor[]): Activations {
  if (tower === "decoder") return { ...run, text: [...run.text.slice(0, -1), context[0]!] };
  const [k, v] = context as [tf.Tensor, tf.Tensor];
  return { ...run, imageKeysValues: run.imageKeysValues.with(layer, { k, v }) };
}

/** From the gradients towards every text layer's keys and values of the image to that towards the vision tower's last stream. */
function imageBackward(
  { config, weights }: BlipModel,
  run: Activations,
  keysValues: readonly tf.Tensor[][],
): tf.Tensor {
  const towards = keysValues.flatMap(([k, v], layer) => {
    const { key, value } = weights.text.blocks[layer]!.cross;
    return [linearBackward(mergeHeads(k!), key), linearBackward(mergeHeads(v!), value)];
  });
  return tf.grad((last: tf.Tensor) => finishImage(weights.vision, config.vision, last))(
    run.vision.at(-1)!,
    tf.addN(towards),
  );
}
