import * as tf from "@tensorflow/tfjs-core";
import { mergeHeads } from "../model/attention.js";
import { type Activations, type BlipModel, TOWERS, type Tower, towerBlocks } from "../model/blip.js";
import type { BlockGiven } from "../model/block.js";
import { readLogits } from "../model/decoder.js";
import { registerGradients } from "../model/gradients.js";
import { linearBackward } from "../model/linear.js";
import { finishImage } from "../model/vision.js";
import type { LogitMetric } from "./metrics.js";
import { siteShape } from "./run.js";
import type { Site, SiteParts } from "./sites.js";

// Backwards layer by layer: a pass keeps its streams, so each layer is computed again from its input, differentiated, and let go.
// No more than one layer's values stand in memory, and only what leads to the sites that are asked for is differentiated.

/** Gradients by site, then layer; each [1, …] in the shape of the site's value. */
export type SiteGradients = { readonly [site in Site]?: readonly tf.Tensor[] };

/** The gradients of `objective` towards every value of these sites in one pass. Call inside a `tf.tidy`. */
export function siteGradients(
  model: BlipModel,
  run: Activations,
  objective: LogitMetric,
  sites: readonly SiteParts[],
): SiteGradients {
  registerGradients();
  const found: { [site in Site]?: tf.Tensor[] } = {};
  const first = Math.min(...sites.map(({ tower }) => TOWERS.indexOf(tower)));
  let dy = readoutBackward(model, run, objective);
  for (const tower of TOWERS.slice(first).reverse()) {
    const here = sites.filter((site) => site.tower === tower);
    const contexts: tf.Tensor[][] = [];
    for (let layer = run[tower].length - 2; layer >= 0; layer--) {
      const back = tf.tidy(() =>
        layerBackward(model, run, { tower, layer, dy, sites: here, toContext: TOWERS.indexOf(tower) > first }),
      );
      for (const [i, { site }] of here.entries()) {
        found[site] ??= [];
        found[site].unshift(back.sites[i]!);
      }
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

interface LayerStep {
  readonly tower: Tower;
  readonly layer: number;
  /** Towards the layer's output. */
  readonly dy: tf.Tensor;
  readonly sites: readonly SiteParts[];
  /** Also towards what its cross-attention attends to. */
  readonly toContext: boolean;
}

/** From the gradient towards a layer's output to those towards its input, its context and its sites. */
function layerBackward(model: BlipModel, run: Activations, { tower, layer, dy, sites, toContext }: LayerStep) {
  const context = toContext ? contextOf(run, tower, layer) : [];
  // A site's gradient is that towards something added to it.
  const added = sites.map((parts) => tf.zeros(siteShape(model, run, parts)));
  // What enters the first layer is the embedding, towards which nothing is wanted.
  const streams = layer > 0 ? [run[tower][layer]!] : [];
  const output = (...inputs: tf.Tensor[]) => {
    const [[x], at, deltas] = partsOf(inputs, streams.length, context.length);
    const given: BlockGiven = Object.fromEntries(
      sites.map(({ within }, i) => [within, { values: (computed: tf.Tensor) => tf.add(computed, deltas[i]!) }]),
    );
    const towers = at.length > 0 ? withContext(run, tower, layer, at) : run;
    return towerBlocks(model, tower, towers)[layer]!(x ?? run[tower][layer]!, given).stream.resid_post;
  };
  const gradients = tf.grads(output)([...streams, ...context, ...added], dy);
  const [x, towardsContext, towardsSites] = partsOf(gradients, streams.length, context.length);
  return { x, context: towardsContext, sites: towardsSites };
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
