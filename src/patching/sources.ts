import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";
import { blockOf } from "../model/blip.js";
import { valueAt } from "../model/block.js";
import type { Run } from "./run.js";
import type { SiteParts } from "./sites.js";

/**
 * Where the values come from that a patch puts in: a site in a layer -> its value [1, …], or what broadcasts to it. Called
 * inside a `tf.tidy`.
 */
export type Source = (site: SiteParts, layer: number) => tf.Tensor;

/** The values of a run: activation patching with those of the pair's other pass, resample ablation with another sample's. */
export function fromRun({ model, activations }: Run): Source {
  return ({ tower, within }, layer) => valueAt(blockOf(model, activations, tower, layer), within);
}

/** Nothing: zero ablation. */
export const zero: Source = () => tf.scalar(0);

/**
 * The mean over runs: mean ablation.
 *
 * @throws NoticeError `options` where there is no run, `tokens` where their questions have different lengths.
 */
export function meanOf(runs: readonly Run[]): Source {
  const lengths = [...new Set(runs.map(({ activations }) => activations.text[0]!.shape[1]))];
  if (lengths.length === 0)
    throw new NoticeError("options", "The mean over no runs is no value; give at least one run.");
  if (lengths.length > 1)
    throw new NoticeError(
      "tokens",
      `The questions of a reference set must have the same number of tokens, so that a mean has one meaning a position; here they have ${lengths.join(", ")}.`,
    );
  const sources = runs.map(fromRun);
  return (site, layer) => {
    const sum = sources.reduce(
      (sum, source) => tf.tidy(() => tf.add(sum, source(site, layer))),
      tf.scalar(0) as tf.Tensor,
    );
    return tf.div(sum, runs.length);
  };
}

/** The way from one source to another: `share` 0 is the first, 1 the second, between them a mixture, beyond them more of it. */
export function between(from: Source, to: Source, share: number): Source {
  return (site, layer) => tf.add(tf.mul(from(site, layer), 1 - share), tf.mul(to(site, layer), share));
}
