import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerOf } from "../model/architecture.js";
import { answerAttention, lookingSite, lookingToken } from "../patching/answer-attention.js";
import { attentionOverlay } from "../patching/attention-functions.js";
import { boxesOf, tileOf } from "../patching/image-places.js";
import { type ImageInput, pictureOf } from "../patching/inputs.js";
import { checkPair, type Pair } from "../patching/pair.js";
import { type Position, resolvePosition } from "../patching/positions.js";
import { countOf } from "../patching/run.js";
import { parseSite, type Site } from "../patching/sites.js";
import { cropped, type Picture } from "../pictures/picture.js";
import { JUPYTER_DISPLAY, type MimeBundle, show } from "./show.js";
import type { Look } from "./views.js";

/** A head, and the token that it looks from. */
export interface LookOptions {
  readonly layer: number;
  readonly head: number;
  /** Any site of an attention that sees the picture. Default: of that which looks at it from the question. */
  readonly site?: Site;
  /** One token. Default: the correct answer's, or of a causal tower the last. Within the picture there is none. */
  readonly position?: Position;
  /** At which tile of a picture in tiles. Default: the last, which is the whole picture; of a patch, its own. */
  readonly tile?: number;
}

/** Where a head looks, on the picture. In a notebook it shows itself. */
export class Overlay implements Look {
  constructor(
    readonly picture: Picture,
    readonly grid: Look["grid"],
    readonly title: string,
  ) {}

  /** For a notebook. */
  [JUPYTER_DISPLAY](): Promise<MimeBundle> {
    return show(this).bundle();
  }
}

/**
 * Where a head of an attention that sees the picture looks in the clean pass, compared with all heads: the overlay of
 * NOTICE, section 5.
 *
 * @param image the pair's clean picture, which a pair does not keep.
 * @throws NoticeError `site` where layer, head or position is not there, `tokens` where a word is not in the question,
 * `options` where the position means several tokens, `image`.
 * @example await overlay(pair, "examples/star-red.png", { layer: 1, head: 2 })
 */
export async function overlay(pair: Pair, image: ImageInput, options: LookOptions): Promise<Overlay> {
  checkPair(pair);
  const keys = ["layer", "head", "site", "position", "tile"];
  checkShape("overlay", options, { such: "{ layer: 0, head: 0 }", keys });
  const { model, clean, question } = pair;
  const { layer, head, site = lookingSite(model), tile } = options;
  const parts = site && parseSite(model, site);
  const within = parts !== undefined && towerOf(model, parts.tower).tokens === "image";
  const { position = within ? "all" : (lookingToken(pair) ?? "answer") } = options;
  const count = countOf(clean.activations, parts?.tower ?? model.architecture.readout.tower);
  const [token, ...more] = resolvePosition(position, count, within ? undefined : question, pair.answers);
  if (more.length > 0)
    throw new NoticeError(
      "options",
      `A head looks from one token, and the position means ${1 + more.length}; give one index.`,
    );
  const { patterns } = await answerAttention(clean, token!, { site, tile });
  const picture = await pictureOf(image);
  const boxes = boxesOf(model, picture);
  const shown = within ? Math.floor(token! / tileOf(model).count) : (tile ?? boxes.length - 1);
  const named = within ? towerOf(model, parts.tower).names(model.config, boxes.length) : question.tokens;
  return new Overlay(
    cropped(picture, boxes[shown]!),
    attentionOverlay(patterns, { layer, head }),
    `${parts?.tower} L${layer}H${head} from token ${token} (${named[token!]}), attention minus the mean over all heads`,
  );
}
