import * as tf from "@tensorflow/tfjs-core";
import { turn } from "../base/turn.js";

/** A computation that stops after every layer. */
export type Steps<Result> = Generator<void, Result, void>;

/** All steps without a pause. Call inside a `tf.tidy`. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * All steps, between which others have their turn. A `tf.tidy` would also free what those others make.
 *
 * @param steps made inside, so that their first tensors are freed too.
 * @param tensorsOf what lives on of the result, the caller's; all else that the steps make is freed.
 * @throws the reason of `signal`
 */
export async function inTurns<Result>(
  steps: () => Steps<Result>,
  tensorsOf: (result: Result) => readonly tf.Tensor[],
  signal?: AbortSignal,
): Promise<Result> {
  const made = new Set<tf.Tensor>();
  try {
    let going: Steps<Result> | undefined;
    for (;;) {
      const { done, value } = keepingAll(made, () => {
        going ??= steps();
        return going.next();
      });
      if (done) {
        for (const tensor of tensorsOf(value)) made.delete(tensor);
        return value;
      }
      await turn(signal);
    }
  } finally {
    tf.dispose([...made]);
  }
}

/** A tensor as what lives on. */
export const itself = (tensor: tf.Tensor): tf.Tensor[] => [tensor];

/** As `tf.tidy`, which frees nothing of what was `made` in it. */
function keepingAll<Result>(made: Set<tf.Tensor>, step: () => Result): Result {
  const engine = tf.engine();
  engine.startScope();
  try {
    return step();
  } finally {
    for (const tensor of engine.state.activeScope.track) if (!tensor.kept) made.add(tf.keep(tensor));
    engine.endScope();
  }
}
