import * as tf from "@tensorflow/tfjs-core";
import { checkObject, NoticeError } from "../base/errors.js";
import { type Network, towerOf, towerSize } from "../model/architecture.js";
import { checkIndex, countOf, indexes, type Run } from "./run.js";
import { type CircuitSite, circuitSites, parseSite, type Site } from "./sites.js";

/** How a token of the question looks at the image. Image tokens: [CLS], then patches row by row. */
export interface AnswerAttention {
  /** The pattern of cross-attention at the token: [layer][head][imageToken]; each row sums to 1. */
  readonly patterns: readonly (readonly (readonly number[])[])[];
  /**
   * L2 norm of each image token in the `resid_post` of the last layer that sees the picture. It is taken before the
   * tower's final LayerNorm, which makes all norms nearly equal, so that no outlier could be seen.
   */
  readonly norms: readonly number[];
  /** Patches on each side of the grid. */
  readonly side: number;
}

/** The site whose heads look from the question at the picture, where an architecture has one. */
export function lookingSite({ architecture }: Pick<Network, "architecture">): CircuitSite | undefined {
  const { towers } = architecture;
  return circuitSites(architecture).find((site) => {
    const { tower, within, tokens } = parseSite({ architecture }, site);
    return within === "cross.z" && tokens === "question" && towers[towers[tower]!.attends!.tower]!.tokens === "image";
  });
}

/**
 * Reads the cross-attention of every head at one token of the question, and the norms of what is attended to.
 *
 * @param token of the question, [CLS] is 0. For a pair, usually `pair.answerToken` and the `clean` run.
 * @throws NoticeError `site` where there is no such token; `options` where the run is none.
 */
export async function answerAttention(run: Run, token: number): Promise<AnswerAttention> {
  checkObject("The run", run, "`pair.clean`");
  const { model, activations } = run;
  const site = lookingSite(model);
  if (!site)
    throw new NoticeError(
      "site",
      `No head of ${model.architecture.name} looks from the question at the picture alone.`,
    );
  const { tower } = parseSite(model, site);
  checkIndex("token", token, countOf(activations, tower), "the question");
  const { layers, heads } = towerSize(model, tower);
  const image = activations.streams[towerOf(model, tower).attends!.tower]!.at(-1)!;
  const { side, patch } = model.architecture.intake.image(model.config);
  const read = tf.tidy(() => {
    const looks = indexes(layers).map((layer) =>
      tf.gather(run.at(`${tower}.cross.pattern` as Site, { layer }), token, 1),
    );
    return { patterns: tf.stack(looks), norms: tf.norm(image, "euclidean", 2) }; // [layer, head, imageToken], [1, imageToken]
  });
  try {
    const [patterns, norms] = [await read.patterns.data(), await read.norms.data()];
    const row = (at: number) => Array.from(patterns.subarray(at * norms.length, (at + 1) * norms.length));
    return {
      patterns: Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: heads }, (_, head) => row(layer * heads + head)),
      ),
      norms: Array.from(norms),
      side: side / patch,
    };
  } finally {
    tf.dispose(read);
  }
}
