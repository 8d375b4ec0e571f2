import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { answerAttention, lookingToken } from "../patching/answer-attention.js";
import { attentionOverlay } from "../patching/attention-functions.js";
import { type ImageInput, pictureOf } from "../patching/inputs.js";
import { checkPair, type Pair } from "../patching/pair.js";
import { type Position, resolvePosition } from "../patching/positions.js";
import type { Picture } from "../pictures/picture.js";
import { JUPYTER_DISPLAY, type MimeBundle, show } from "./show.js";
import type { Look } from "./views.js";

/** A head, and the token of the question that it looks from. */
export interface LookOptions {
  readonly layer: number;
  readonly head: number;
  /** One token. Default: the correct answer's, or of a causal tower the last. */
  readonly position?: Position;
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
 * Where a head of the attention that sees the picture looks in the clean pass, compared with all heads: the overlay of
 * NOTICE, section 5.
 *
 * @param image the pair's clean picture, which a pair does not keep.
 * @throws NoticeError `site` where layer, head or position is not there, `tokens` where a word is not in the question,
 * `options` where the position means several tokens, `image`.
 * @example await overlay(pair, "examples/star-red.png", { layer: 1, head: 2 })
 */
export async function overlay(pair: Pair, image: ImageInput, options: LookOptions): Promise<Overlay> {
  checkPair(pair);
  checkShape("overlay", options, { such: "{ layer: 0, head: 0 }", keys: ["layer", "head", "position"] });
  const { layer, head, position = lookingToken(pair) ?? "answer" } = options;
  const { tokens } = pair.question;
  const [token, ...more] = resolvePosition(position, tokens.length, pair.question, pair.answers);
  if (more.length > 0)
    throw new NoticeError(
      "options",
      `A head looks from one token, and the position means ${1 + more.length}; give one index.`,
    );
  const { patterns } = await answerAttention(pair.clean, token!);
  return new Overlay(
    await pictureOf(image),
    attentionOverlay(patterns, { layer, head }),
    `L${layer}H${head} from token ${token} (${tokens[token!]}), attention minus the mean over all heads`,
  );
}
