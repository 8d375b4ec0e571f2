import * as tf from "@tensorflow/tfjs-core";
import { checkObject, NoticeError } from "../base/errors.js";
import { type Network, towerOf, towerSize } from "../model/architecture.js";
import type { Pair } from "./pair.js";
import { checkIndex, countOf, indexes, type Run } from "./run.js";
import { type CircuitSite, circuitSites, parseSite, type Site } from "./sites.js";

/**
 * How a token of the question looks at the image. Image tokens: [CLS], then patches row by row. Where no [CLS] is
 * looked at, its attention and its norm are 0.
 */
export interface AnswerAttention {
  /**
   * The pattern at the token: [layer][head][imageToken]. Each row of cross-attention sums to 1; self-attention also
   * looks at words, so that its rows sum to less. Of a picture in tiles: of the last, which is the whole picture.
   */
  readonly patterns: readonly (readonly (readonly number[])[])[];
  /**
   * L2 norm of each image token in the `resid_post` of the last layer that sees the picture. It is taken before the
   * tower's final LayerNorm, which makes all norms nearly equal, so that no outlier could be seen. In a decoder-only
   * model: of the tokens as they enter the text.
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
    const { attends, takes } = towers[tower]!;
    if (takes) return within === "self.z";
    return within === "cross.z" && tokens === "question" && towers[attends!.tower]!.tokens === "image";
  });
}

/**
 * The token from which heads look where an answer is on its way: the correct answer's own, if the question has it; of a
 * causal tower the last, at which the answer is read.
 */
export function lookingToken({ model, question: { tokens }, answerToken }: Pair): number | undefined {
  const site = lookingSite(model);
  if (!site) return undefined;
  return towerOf(model, parseSite(model, site).tower).causal ? tokens.length - 1 : answerToken;
}

/**
 * Reads how every head looks at the picture from one token of the question, and the norms of what is looked at.
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
  const read = tf.tidy(() => {
    const pattern = (within: string) =>
      tf.stack(indexes(layers).map((layer) => tf.gather(run.at(`${tower}.${within}` as Site, { layer }), token, 1)));
    return towerOf(model, tower).takes
      ? ownLook(run, tower, pattern("self.pattern"))
      : attendedLook(run, tower, pattern);
  });
  try {
    const [patterns, norms] = [await read.patterns.data(), await read.norms.data()];
    const begin = read.hasClass ? [] : [0];
    const row = (at: number) => [...begin, ...patterns.subarray(at * norms.length, (at + 1) * norms.length)];
    return {
      patterns: Array.from({ length: layers }, (_, layer) =>
        Array.from({ length: heads }, (_, head) => row(layer * heads + head)),
      ),
      norms: [...begin, ...norms],
      side: Math.sqrt(norms.length + begin.length - 1),
    };
  } finally {
    tf.dispose([read.patterns, read.norms]);
  }
}

/** [layer, head, imageToken], and [1, imageToken]. */
type Look = {
  readonly patterns: tf.Tensor;
  readonly norms: tf.Tensor;
  readonly hasClass: boolean;
};

function attendedLook({ model, activations }: Run, tower: string, pattern: (within: string) => tf.Tensor): Look {
  const image = activations.streams[towerOf(model, tower).attends!.tower]!.at(-1)!;
  return { patterns: pattern("cross.pattern"), norms: tf.norm(image, "euclidean", 2), hasClass: true };
}

/** Of a tower that has the picture among its tokens. @param pattern [layer, head, token] */
function ownLook({ model, activations: { streams, places } }: Run, tower: string, pattern: tf.Tensor): Look {
  const tiles = streams[towerOf(model, tower).takes!.tower]![0]!.shape[0]!;
  const whole = tf.tensor1d(places!.slice(-places!.length / tiles), "int32");
  const entered = tf.gather(streams[tower]![0]!, whole, 1);
  return { patterns: tf.gather(pattern, whole, 2), norms: tf.norm(entered, "euclidean", 2), hasClass: false };
}
