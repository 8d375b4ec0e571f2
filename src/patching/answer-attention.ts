import * as tf from "@tensorflow/tfjs-core";
import { checkObject, either, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import type { ModelConfig } from "../checkpoint/format.js";
import { type Network, type Takes, towerOf, towerSize } from "../model/architecture.js";
import { tileOf } from "./image-places.js";
import type { Pair } from "./pair.js";
import { checkIndex, countOf, indexes, type Run } from "./run.js";
import { type CircuitSite, circuitSites, parseSite, type Site, type SiteParts } from "./sites.js";

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

/** Which attention is read, and of a picture in tiles, how it looks at which. */
export interface LookedAt {
  /** Any site of the attention, such as `text.cross.z`. Default: that which looks from the question at the picture. */
  readonly site?: string;
  /** Default: the last, which is the whole picture; of a patch, its own, which is all that it sees. */
  readonly tile?: number;
}

/**
 * Reads how every head looks at the picture from one token, and the norms of what is looked at.
 *
 * @param token of the question, [CLS] is 0; of an attention within the picture, of the picture. For a pair, usually
 * `pair.answerToken` and the `clean` run.
 * @throws NoticeError `site` where there is no such token or tile, or the attention sees no picture; `options` where
 * the run is none.
 */
export async function answerAttention(run: Run, token: number, of: LookedAt = {}): Promise<AnswerAttention> {
  checkObject("The run", run, "`pair.clean`");
  checkShape("answerAttention", of, { such: '{ site: "vision.self.z" }', keys: ["site", "tile"] });
  const { model, activations } = run;
  const parts = parseSite(model, of.site ?? lookingSite(model) ?? noLook(model));
  const { tower } = parts;
  const { layers, heads } = towerSize(model, tower);
  checkIndex("token", token, countOf(activations, tower), `the ${tower} tower`);
  const read = tf.tidy(() => {
    const keys = keysOf(run, parts, token, of.tile);
    const pattern = `${tower}.${parts.within.split(".")[0]}.pattern` as Site;
    const rows = indexes(layers).map((layer) => tf.gather(run.at(pattern, { layer }), token, 1));
    const places = keys.places && tf.tensor1d([...keys.places], "int32");
    const seen = places ? tf.gather(tf.stack(rows), places, 2) : tf.stack(rows);
    return { patterns: seen, norms: tf.norm(keys.rows, "euclidean", 2), hasClass: keys.hasClass };
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

/** What of the picture an attention looks at. */
interface Keys {
  /** [1, imageToken, width] */
  readonly rows: tf.Tensor;
  /** Where these stand among what is looked at. Default: they are all of it. */
  readonly places?: readonly number[];
  readonly hasClass: boolean;
}

function keysOf(run: Run, parts: SiteParts, token: number, tile: number | undefined): Keys {
  const { model, activations } = run;
  const { takes, attends, tokens } = towerOf(model, parts.tower);
  const [kind, value] = parts.within.split(".");
  const attention = value !== undefined && kind !== "mlp";
  const attended = kind === "cross" ? attends?.tower : parts.tower;
  if (attention && takes) return rowsAmongWords(run, parts.tower, takes, tile);
  if (!attention || attended === undefined || towerOf(model, attended).tokens !== "image")
    return noPicture(model, parts);
  const { count, before } = tileOf(model);
  const own = tokens === "image" ? Math.floor(token / count) : 0;
  if (tile !== undefined && tile !== own)
    throw new NoticeError(
      "site",
      `Token ${token} sees its own tile alone, ${own}, and tile is ${tile}; leave tile out.`,
    );
  const last = activations.streams[attended]!.at(-1)!;
  return { rows: tf.slice(last, [0, own * count, 0], [1, count, -1]), hasClass: before > 0 };
}

/** Of a tower that has the picture among its tokens: as they enter it. */
function rowsAmongWords(
  { model, activations }: Run,
  tower: string,
  takes: Takes<ModelConfig, object>,
  tile: number | undefined,
): Keys {
  const { streams, places } = activations;
  const { before, count } = tileOf(model);
  const tiles = countOf(activations, takes.tower) / count;
  checkIndex("tile", tile ?? tiles - 1, tiles, "the picture");
  const each = places!.length / tiles;
  const own = places!.slice((tile ?? tiles - 1) * each, ((tile ?? tiles - 1) + 1) * each);
  const hasClass = before > 0 && takes.rowOf(model.config, 0) !== undefined;
  return { rows: tf.gather(streams[tower]![0]!, tf.tensor1d(own, "int32"), 1), places: own, hasClass };
}

function noLook({ architecture }: Network): never {
  throw new NoticeError("site", `No head of ${architecture.name} looks from the question at the picture alone.`);
}

function noPicture({ architecture }: Network, { site }: SiteParts): never {
  const { towers } = architecture;
  const seeing = circuitSites(architecture).filter((one) => {
    const { tower, within } = parseSite({ architecture }, one);
    const { attends, takes, tokens } = towers[tower]!;
    return takes || (within === "cross.z" ? towers[attends!.tower]!.tokens : tokens) === "image";
  });
  throw new NoticeError("site", `${site} does not look at the picture; ${either(seeing)} does.`);
}
