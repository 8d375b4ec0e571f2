import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";

/** One of the two answers, read as the first word piece of its tokenisation. */
export interface Answer {
  readonly text: string;
  readonly token: string;
  readonly id: number;
}

export interface Answers {
  readonly correct: Answer;
  readonly incorrect: Answer;
}

/** What one pass says of the two answers. */
export interface Reading {
  /** P(correct): softmax over the whole vocabulary. */
  readonly prob: number;
  /** logit(correct) - logit(incorrect). */
  readonly logitDiff: number;
}

export const METRICS = ["prob", "probDiff", "logitDiff", "effect"] as const;
export type Metric = (typeof METRICS)[number];

/** What one patch did (NOTICE, section 3.3). */
export interface Score {
  /** P(correct) of the patched pass. */
  readonly prob: number;
  /** Its gain over the unpatched pass. */
  readonly probDiff: number;
  /** The gain in logit(correct) - logit(incorrect). */
  readonly logitDiff: number;
  /**
   * `logitDiff` as a share of the way from the pass that was patched to the pass that the values came from: 0 where the
   * patch did nothing, 1 where it did all. Null where that way is shorter than `DEGENERATE`.
   */
  readonly effect: number | null;
}

/** In logits. Below it clean and corrupted answers hardly differ, and a share of that difference is noise. */
export const DEGENERATE = 1e-2;

/**
 * Reads the two answers off logits [batch, vocabulary].
 *
 * @throws NoticeError `checkpoint` where a pass overflowed: no NaN leaves.
 */
export async function readAnswers(logits: tf.Tensor2D, { correct, incorrect }: Answers): Promise<Reading[]> {
  const read = tf.tidy(() => {
    const ids = tf.tensor1d([correct.id, incorrect.id], "int32");
    return tf.concat([tf.gather(tf.softmax(logits), ids, 1), tf.gather(logits, ids, 1)], 1); // [batch, 4]
  });
  const values = await read.data();
  read.dispose();
  return Array.from({ length: values.length / 4 }, (_, row) => {
    const [prob, , right, wrong] = Array.from(values.subarray(row * 4, row * 4 + 4)) as [
      number,
      number,
      number,
      number,
    ];
    const reading = { prob, logitDiff: right - wrong };
    if (!Number.isFinite(prob) || !Number.isFinite(reading.logitDiff))
      throw new NoticeError(
        "checkpoint",
        `A pass ended in logits that are not finite (${right}, ${wrong}): the weights overflow float32.`,
      );
    return reading;
  });
}

/** @param base the pass that was patched. @param source the pass that the values came from. */
export function score(patched: Reading, base: Reading, source: Reading): Score {
  const logitDiff = patched.logitDiff - base.logitDiff;
  const way = source.logitDiff - base.logitDiff;
  return {
    prob: patched.prob,
    probDiff: patched.prob - base.prob,
    logitDiff,
    effect: Math.abs(way) < DEGENERATE ? null : logitDiff / way,
  };
}
