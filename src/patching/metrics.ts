import * as tf from "@tensorflow/tfjs-core";
import { checkObject, NoticeError } from "../base/errors.js";
import { namesOf } from "../base/options.js";
import { type Answer, type Answers, DEGENERATE, METRICS, type Metric, type Reading, type Score } from "./answers.js";

export {
  type Answer,
  type Answers,
  answerName,
  DEGENERATE,
  METRICS,
  type Metric,
  type Reading,
  type Score,
} from "./answers.js";

/**
 * Any function from logits [batch, vocabulary] to one number for each row, [batch]. It is called inside a `tf.tidy`.
 * `attribute` differentiates it.
 */
export type LogitMetric = (logits: tf.Tensor2D) => tf.Tensor;

/** Metrics by names of one's own. */
export type Metrics<Name extends string = string> = { readonly [name in Name]: LogitMetric };

/**
 * @throws NoticeError `options` where one is no function, or is named as a number of every score.
 */
export function checkMetrics(of: string, metrics: Metrics | undefined): void {
  if (metrics === undefined) return;
  checkObject(`What ${of} measures`, metrics, "{ rank: rank(answer) }");
  for (const [name, metric] of Object.entries(metrics)) {
    if (METRICS.includes(name as Metric))
      throw new NoticeError("options", `Every score has ${METRICS.join(", ")}; give the metric ${name} another name.`);
    if (typeof metric !== "function")
      throw new NoticeError("options", `The metric ${name} is no function of the logits, such as rank(answer).`);
  }
}

/** P(answer): softmax over the whole vocabulary. @throws NoticeError `options` where the answer is none. */
export function probability(answer: Answer): LogitMetric {
  const id = idOf(answer);
  return (logits) => column(tf.softmax(logits), id);
}

/** logit(correct) - logit(incorrect). @throws NoticeError `options` where the answers are none. */
export function logitDifference(answers: Answers): LogitMetric {
  checkObject("The pair of answers", answers, "{ correct, incorrect } or `pair.answers`");
  const [correct, incorrect] = [idOf(answers.correct), idOf(answers.incorrect)];
  return (logits) => tf.sub(column(logits, correct), column(logits, incorrect));
}

/**
 * How many tokens are likelier than the answer: 0 is the first place. @throws NoticeError `options` where the answer is
 * none.
 */
export function rank(answer: Answer): LogitMetric {
  const id = idOf(answer);
  return (logits) => tf.sum(tf.cast(tf.greater(logits, tf.expandDims(column(logits, id), 1)), "float32"), -1);
}

function idOf(answer: Answer): number {
  checkObject("The answer", answer, "what `model.answer` returns");
  return answer.id;
}

/**
 * KL(reference ‖ logits) in nats: 0 where both say the same of every token.
 *
 * @param reference [1, vocabulary], such as the clean run's logits; it stays the caller's.
 */
export function divergence(reference: tf.Tensor2D): LogitMetric {
  return (logits) => {
    const log = tf.logSoftmax(reference);
    return tf.sum(tf.mul(tf.exp(log), tf.sub(log, tf.logSoftmax(logits))), -1);
  };
}

/** @throws NoticeError `tokens`: a slice outside would be cut to what there is. */
function column(values: tf.Tensor2D, id: number): tf.Tensor {
  if (!(Number.isInteger(id) && id >= 0 && id < values.shape[1]))
    throw new NoticeError(
      "tokens",
      `There is no token ${id}: the vocabulary has ${values.shape[1]}. \`model.answer\` makes answers.`,
    );
  return tf.reshape(tf.slice(values, [0, id], [-1, 1]), [-1]);
}

/**
 * What metrics say of each row of logits.
 *
 * @throws NoticeError `checkpoint` where a pass overflowed: no NaN leaves. `options` where a metric is none.
 */
export async function measure<Name extends string>(
  logits: tf.Tensor2D,
  metrics: Metrics<Name>,
): Promise<Record<Name, number>[]> {
  const names = namesOf(metrics);
  if (names.length === 0)
    throw new NoticeError("options", "No metric is given; give one by a name, such as { rank: rank(answer) }.");
  const read = tf.tidy(() => tf.stack(names.map((name) => apply(metrics[name], name, logits)))); // [metric, batch]
  const values = await read.data();
  const batch = read.shape[1] as number;
  read.dispose();
  return Array.from({ length: batch }, (_, row) => {
    const found = names.map((name, i) => [name, values[i * batch + row]!] as const);
    for (const [name, value] of found)
      if (!Number.isFinite(value))
        throw new NoticeError(
          "checkpoint",
          `A pass ended in logits of which ${name} is ${value}: the weights, or values that were put in, overflow float32.`,
        );
    return Object.fromEntries(found) as Record<Name, number>;
  });
}

/**
 * What a metric says of each row, [batch]. @throws NoticeError `options` where it fails, or gives anything else.
 */
export function apply(metric: LogitMetric, name: string, logits: tf.Tensor2D): tf.Tensor {
  let values: tf.Tensor;
  try {
    values = metric(logits);
  } catch (cause) {
    if (cause instanceof NoticeError) throw cause;
    throw new NoticeError("options", `The metric ${name} failed: ${(cause as Error).message}`, { cause });
  }
  const found = values instanceof tf.Tensor ? `[${values.shape}]` : "no tensor";
  if (found !== `[${logits.shape[0]}]`)
    throw new NoticeError(
      "options",
      `The metric ${name} gave ${found} for logits [${logits.shape}]; one number a row, [${logits.shape[0]}], was expected.`,
    );
  return values;
}

/** What a pass says by the metrics that every score follows from, and by others. */
export type MeasuredReading = Reading & { readonly [metric: string]: number };

/** The metrics that every score follows from, and others. */
export function readAnswers(logits: tf.Tensor2D, answers: Answers, own?: Metrics): Promise<MeasuredReading[]> {
  const read = { prob: probability(answers.correct), logitDiff: logitDifference(answers) };
  return measure(logits, { ...own, ...read }) as Promise<MeasuredReading[]>;
}

/** The share of the way from one value to another, null where that way is shorter than `DEGENERATE`. */
export function shareOfWay(change: number, way: number): number | null {
  return Math.abs(way) < DEGENERATE ? null : change / way;
}

/**
 * What else was read of the patched pass stays beside it.
 *
 * @param base the pass that was patched. @param source the pass that the values came from.
 */
export function score({ prob, logitDiff: after, ...own }: Reading, base: Reading, source: Reading): Score {
  const logitDiff = after - base.logitDiff;
  return {
    ...own,
    prob,
    probDiff: prob - base.prob,
    logitDiff,
    effect: shareOfWay(logitDiff, source.logitDiff - base.logitDiff),
  };
}
