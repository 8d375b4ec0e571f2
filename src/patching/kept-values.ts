import * as tf from "@tensorflow/tfjs-core";
import { valueAt } from "../model/blocks/block.js";
import { blockOf, tensorsOf } from "../model/pass.js";
import type { Run } from "./run.js";
import type { Site, SiteParts } from "./sites.js";

/** By names such as `text.cross.z:L0`, without the batch. */
const KEPT = new WeakMap<Run, ReadonlyMap<string, tf.Tensor>>();

/** Has the values of these sites computed once; they are freed with the run. */
export function keepValues(run: Run, sites: readonly Site[]): void {
  KEPT.set(run, run.cache(sites));
}

/** What a run has at a site of a layer, [1, …]. Call inside a `tf.tidy`. */
export function valueIn(run: Run, { site, tower, within }: SiteParts, layer: number): tf.Tensor {
  const kept = KEPT.get(run)?.get(`${site}:L${layer}`);
  return kept ? tf.expandDims(kept) : valueAt(blockOf(run.model, run.activations, tower, layer), within);
}

/** All tensors of a run, with the values that are kept. */
export const tensorsIn = (run: Run): tf.Tensor[] => [...tensorsOf(run.activations), ...(KEPT.get(run)?.values() ?? [])];
