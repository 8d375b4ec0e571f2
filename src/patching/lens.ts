import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { type Network, towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import {
  type Answers,
  checkMetrics,
  logitDifference,
  type MeasuredReading,
  type Metrics,
  readAnswers,
} from "./metrics.js";
import { type IndexPosition, resolvePosition } from "./positions.js";
import type { Run } from "./run.js";
import { checkRun } from "./sources.js";

/** Where a stream is read, and what is measured beside the two answers. */
export interface LensOptions<Own extends string = string> {
  /** A token of the tower that is read. Default: where the model reads its answer. */
  readonly position?: number;
  readonly metrics?: Metrics<Own>;
}

/**
 * The logit lens (nostalgebraist 2020): what the readout would say of the stream between layers, of the tower that it
 * reads. Entry l is the input of layer l, the last the answer itself. The readout's own norm is applied to each.
 *
 * @returns [layers + 1] of P(correct), the logit difference, and the metrics given.
 * @throws NoticeError `options` for no run; `site` for a token that is not there.
 * @example (await logitLens(pair.clean, pair.answers)).map(({ logitDiff }) => logitDiff)
 */
export async function logitLens<A extends ArchitectureName, Own extends string = never>(
  run: Run<A>,
  answers: Answers,
  options: LensOptions<Own> = {},
): Promise<(MeasuredReading & Readonly<Record<Own, number>>)[]> {
  checkRun("logitLens", run);
  checkShape("logitLens", options, { such: "{ position: 3 }", keys: ["position", "metrics"] });
  logitDifference(answers); // answers that are none are refused
  checkMetrics("logitLens", options.metrics);
  const { model, activations } = run;
  const { tower, logits } = model.architecture.readout;
  const stream = activations.streams[tower]!;
  const read = tf.tidy(() => logits(model, rowsOf(tf.concat([...stream]), options.position)));
  try {
    return (await readAnswers(read, answers, options.metrics)) as (MeasuredReading & Record<Own, number>)[];
  } finally {
    read.dispose();
  }
}

/** [layer, token, width], of which one token is all there is where one is given. */
function rowsOf(streams: tf.Tensor, position: IndexPosition | undefined): tf.Tensor {
  if (position === undefined) return streams;
  const [layers, tokens, width] = streams.shape as [number, number, number];
  const [token] = resolvePosition(position, tokens, undefined, undefined);
  return tf.slice(streams, [0, token!, 0], [layers, 1, width]);
}

/** As `Model.unembed`. @throws NoticeError `options` for rows of another width. */
export function unembedded(model: Network, x: tf.Tensor): tf.Tensor {
  const { tower, logits } = model.architecture.readout;
  const { width } = towerSize(model, tower);
  if (!(x instanceof tf.Tensor) || x.shape.at(-1) !== width)
    throw new NoticeError(
      "options",
      `unembed takes rows of the ${tower} tower, whose last axis is its width, ${width}.`,
    );
  return tf.tidy(() => {
    const rows = logits(model, tf.reshape(x, [-1, 1, width])); // each row as a text of one token
    return tf.reshape(rows, [...x.shape.slice(0, -1), -1]);
  });
}
