import * as tf from "@tensorflow/tfjs-core";
import { checkIndex, type Run, towerSize } from "./run.js";

/** How a token of the question looks at the image. Image tokens: [CLS], then patches row by row. */
export interface AnswerAttention {
  /** `text.cross.pattern` at the token: [layer][head][imageToken]; each row sums to 1. */
  readonly patterns: readonly (readonly (readonly number[])[])[];
  /**
   * L2 norm of each image token in the last vision layer's `resid_post`: before the LayerNorm that ends the tower, after
   * which all norms are nearly equal and none can stand out.
   */
  readonly norms: readonly number[];
  /** Patches on each side of the grid. */
  readonly side: number;
}

/**
 * Reads the cross-attention of every head at one token of the question, and the norms of what is attended to.
 *
 * @param token of the question, [CLS] is 0; `pair.answerToken` of a pair, whose `clean` run is meant as a rule.
 * @throws NoticeError `site` where there is no such token.
 */
export async function answerAttention(run: Run, token: number): Promise<AnswerAttention> {
  const { text, vision } = run.activations;
  checkIndex("token", token, text[0]!.shape[1]!, "the question");
  const { layers, heads } = towerSize(run.model, "text");
  const { image_size, patch_size } = run.model.config.vision;
  const read = tf.tidy(() => {
    const looks = Array.from({ length: layers }, (_, layer) =>
      tf.gather(run.at("text.cross.pattern", { layer }), token, 1),
    );
    return { patterns: tf.stack(looks), norms: tf.norm(vision.at(-1)!, "euclidean", 2) }; // [layer, head, imageToken], [1, imageToken]
  });
  try {
    const [patterns, norms] = [await read.patterns.data(), await read.norms.data()];
    const row = (at: number) => Array.from(patterns.subarray(at * norms.length, (at + 1) * norms.length));
    return {
      patterns: Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: heads }, (_, head) => row(layer * heads + head)),
      ),
      norms: Array.from(norms),
      side: image_size / patch_size,
    };
  } finally {
    tf.dispose(read);
  }
}
