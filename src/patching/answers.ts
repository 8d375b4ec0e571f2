import { pieceText } from "../words/piece-text.js";

// What is read of a pass, without what computes it: pages show scores and load no TensorFlow.js.

/** One of the two answers, read as the first word piece of its tokenisation. */
export interface Answer {
  readonly text: string;
  readonly token: string;
  readonly id: number;
}

/** An answer's text, with the word piece that it is read by where that is not all of it. */
export function answerName({ text, token }: Answer): string {
  const piece = pieceText(token);
  return text.toLowerCase() === piece.toLowerCase() ? text : `${text} (read as "${piece}")`;
}

/** The two alternatives of a question. */
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

/** The numbers of a score, in their order. */
export const METRICS = ["prob", "probDiff", "logitDiff", "effect"] as const;
/** One of the numbers of a score. */
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
