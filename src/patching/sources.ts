import * as tf from "@tensorflow/tfjs-core";
import { checkAwaited, checkList, NoticeError } from "../base/errors.js";
import { towersOf } from "../model/architecture.js";
import { valueAt } from "../model/blocks/block.js";
import { blockOf } from "../model/pass.js";
import { checkLayer, countOf, Run } from "./run.js";
import type { SiteParts } from "./sites.js";

/**
 * Where the values come from that a patch puts in: a site in a layer, and the value [pass, …] that is replaced there ->
 * a value [1, …], or what broadcasts to it. Called inside a `tf.tidy`.
 */
export type Source = (site: SiteParts, layer: number, replaced: tf.Tensor) => tf.Tensor;

/**
 * What a source has for a site and layer. Call inside a `tf.tidy`.
 *
 * @param replaced the value that it is to replace.
 * @throws NoticeError `options` where it has none, or none of that shape.
 */
export function valuesFrom(source: Source, site: SiteParts, layer: number, replaced: tf.Tensor): tf.Tensor {
  if (typeof source !== "function")
    throw new NoticeError(
      "options",
      "A source is a function: fromRun(run), meanOf(runs), zero, between(one, other, share), changed(value => …).",
    );
  const expected = replaced.shape;
  let values: tf.Tensor;
  try {
    values = source(site, layer, replaced);
  } catch (cause) {
    if (cause instanceof NoticeError) throw cause;
    const why = (cause as Error).message;
    throw new NoticeError("options", `The source has no value for ${site.site} of layer ${layer}: ${why}`, { cause });
  }
  const shape = values instanceof tf.Tensor ? values.shape : undefined;
  const offset = expected.length - (shape?.length ?? 0);
  if (!shape || offset < 0 || shape.some((size, i) => size !== 1 && size !== expected[offset + i]))
    throw new NoticeError(
      "options",
      `The source gave ${shape ? `[${shape}]` : "no tensor"} for ${site.site} of layer ${layer}; [${expected}], or what ` +
        "broadcasts to it, was expected. Give runs of the same model, whose questions have as many tokens as the pair's.",
    );
  return values;
}

/**
 * The values of a run: activation patching with those of the pair's other pass, resample ablation with another
 * sample's.
 */
export function fromRun(run: Run): (site: SiteParts, layer: number) => tf.Tensor {
  checkRun("fromRun", run);
  return ({ tower, within }, layer) => {
    checkLayer(run.model, tower, layer);
    return valueAt(blockOf(run.model, run.activations, tower, layer), within);
  };
}

/**
 * The place's own value, changed: steering, scaling, or whatever an edit does.
 *
 * @example await patch(pair, [{ site: "text.cross.z", layer: 0, head: 1 }], { source: changed((z) => tf.mul(z, 2)) })
 */
export function changed(change: Change): Source {
  checkChange("changed", change);
  return (site, layer, replaced) => changeOf(change, site, layer, replaced);
}

/** From a site's value, without the batch, to what stands in its place, of the same shape. Inside a `tf.tidy`. */
export type Change = (value: tf.Tensor) => tf.Tensor;

/** @throws NoticeError `options` */
export function checkChange(of: string, change: Change): void {
  if (typeof change !== "function")
    throw new NoticeError(
      "options",
      `${of} takes a function from a value to another, such as (value) => tf.neg(value).`,
    );
}

/**
 * What a change makes of a value [pass, …], of each pass by itself. Call inside a `tf.tidy`.
 *
 * @throws NoticeError `options` where it fails, or gives no such value.
 */
export function changeOf(
  change: Change,
  { site }: Pick<SiteParts, "site">,
  layer: number,
  computed: tf.Tensor,
): tf.Tensor {
  if (computed.shape[0]! > 1)
    return tf.concat(tf.split(computed, computed.shape[0]!).map((pass) => changeOf(change, { site }, layer, pass)));
  const value = tf.squeeze(computed, [0]);
  const where = `of ${site} in layer ${layer}`;
  let made: tf.Tensor;
  try {
    made = change(value);
  } catch (cause) {
    if (cause instanceof NoticeError) throw cause;
    throw new NoticeError("options", `The edit ${where} failed: ${(cause as Error).message}`, { cause });
  }
  checkAwaited(`What the edit ${where} gives`, made);
  const found = made instanceof tf.Tensor ? `[${made.shape}] of ${made.dtype}` : "no tensor";
  if (found !== `[${value.shape}] of float32`)
    throw new NoticeError(
      "options",
      `The edit ${where} gave ${found}; [${value.shape}] of float32, the shape of what it was given, was expected.`,
    );
  return tf.expandDims(made, 0);
}

/** Nothing: zero ablation. */
export const zero: Source = () => tf.scalar(0);

/**
 * The mean over runs: mean ablation.
 *
 * @throws NoticeError `options` where there is no run, `tokens` where their questions have different lengths.
 */
export function meanOf(runs: readonly Run[]): Source {
  checkList("What meanOf takes the mean of", runs, "[run, run]");
  for (const run of runs) checkRun("meanOf", run);
  const lengths = [...new Set(runs.map(questionLength))];
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

/** @throws NoticeError `options` for what is no run, such as a promise of one. */
export function checkRun(of: string, run: Run): void {
  checkAwaited(`The run of ${of}`, run);
  if (!(run instanceof Run))
    throw new NoticeError("options", `${of} takes a run; make one by \`await model.run({ image, question })\`.`);
}

function questionLength({ model, activations }: Run): number {
  const [name] = towersOf(model).find(([, { tokens }]) => tokens === "question")!;
  return countOf(activations, name);
}

/**
 * A mixture of two sources: `share` 0 is the first, 1 the second. Values outside 0 to 1 extrapolate.
 *
 * @throws NoticeError `options` where the share is no number.
 */
export function between(from: Source, to: Source, share: number): Source {
  if (!Number.isFinite(share))
    throw new NoticeError("options", `share is ${share}; a number was expected: 0 for the first, 1 for the second.`);
  return (...place) => tf.add(tf.mul(from(...place), 1 - share), tf.mul(to(...place), share));
}
