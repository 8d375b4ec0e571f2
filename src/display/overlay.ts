import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerOf } from "../model/architecture.js";
import { answerAttention, lookingSite, lookingToken } from "../patching/answer-attention.js";
import { attentionOverlay } from "../patching/attention-functions.js";
import { type HeadPlace, headName } from "../patching/head-place.js";
import { boxesOf, tileOf } from "../patching/image-places.js";
import { type ImageInput, pictureOf } from "../patching/inputs.js";
import { checkPair, type Pair } from "../patching/pair.js";
import { patchHead } from "../patching/patch.js";
import { type Position, resolvePosition } from "../patching/positions.js";
import { countOf, indexes } from "../patching/run.js";
import { type CircuitSite, circuitSites, parseSite, type Site, type SiteParts } from "../patching/sites.js";
import { sweep } from "../patching/sweep.js";
import type { Box, Picture } from "../pictures/picture.js";
import type { Look } from "./look.js";
import { JUPYTER_DISPLAY, type MimeBundle, show } from "./show.js";

/** A head, and the token that it looks from. */
export interface LookOptions {
  /** With `head`. Default: the head whose value at the token has the largest effect. */
  readonly layer?: number;
  readonly head?: number;
  /** Any site of an attention that sees the picture. Default: of that which looks at it from the question. */
  readonly site?: Site;
  /** One token. Default: the correct answer's, or of a causal tower the last. Within the picture there is none. */
  readonly position?: Position;
  /** At which tile of a picture in tiles. Default: the last, which is the whole picture; of a patch, its own. */
  readonly tile?: number;
  /** Default: the pair's own clean picture. */
  readonly image?: ImageInput;
}

/** Where a head looks, on the picture, and what it does. In a notebook it shows itself. */
export class Overlay implements Look {
  readonly picture!: Picture;
  readonly grid!: Look["grid"];
  readonly title!: string;
  readonly subtitle!: readonly string[];
  readonly box!: Box;
  readonly layer!: number;
  readonly head!: number;
  /** The one that it looks from. */
  readonly token!: number;
  /** Of the head's value at the token; null where clean and corrupted answers hardly differ. */
  readonly effect!: number | null;

  constructor(parts: Required<Look> & Pick<Overlay, "layer" | "head" | "token" | "effect">) {
    Object.assign(this, parts);
  }

  /** For a notebook. */
  [JUPYTER_DISPLAY](): Promise<MimeBundle> {
    return show(this).bundle();
  }
}

/**
 * Where a head of an attention that sees the picture looks in the clean pass, compared with all heads: the overlay of
 * NOTICE, section 5. With it goes what patching the head at that token alone does.
 *
 * @throws NoticeError `site` where layer, head or position is not there, `tokens` where a word is not in the question,
 * `options` where the position means several tokens, `image` where the pair was made of no picture, or it is gone.
 * @example await overlay(pair, { layer: 1, head: 2 })
 */
export async function overlay(pair: Pair, options: LookOptions = {}): Promise<Overlay> {
  checkPair(pair);
  const keys = ["layer", "head", "site", "position", "tile", "image"];
  checkShape("overlay", options, { such: "{ layer: 0, head: 0 }", keys });
  const { model, clean } = pair;
  const site = options.site ?? lookingSite(model);
  const parts = site && parseSite(model, site);
  const token = tokenOf(pair, parts, options.position);
  const { tile } = options;
  const { patterns } = await answerAttention(clean, token, { site, tile });
  const from = `${parts!.tower}.${parts!.within.split(".")[0]}`;
  const heads = circuitSites(model.architecture).find((one) => one === `${from}.z`)!;
  const { next, ...place } = await headAt(pair, { site: heads, position: token }, options);
  const grid = attentionOverlay(patterns, place);
  const { effect } = await patchHead(pair, place);
  const picture = await pictureOf(options.image ?? ownPicture(pair));
  const boxes = boxesOf(model, picture);
  const within = isWithin(pair, parts);
  const shown = within ? Math.floor(token / tileOf(model).count) : (tile ?? boxes.length - 1);
  const named = within ? towerOf(model, parts!.tower).names(model.config, boxes.length) : pair.question.tokens;
  const { layer, head } = place;
  const tiles = boxes.length > 1 ? `, tile ${shown} of ${boxes.length}` : "";
  return new Overlay({
    ...{ picture, grid, box: boxes[shown]!, layer, head, token, effect },
    title: `${from} ${headName(place)} from token ${token} (${named[token]})${tiles}`,
    subtitle: [withoutMarks(pair.question.text), answersOf(pair), causes(effect, next)].filter(Boolean),
  });
}

/** A prompt without the marks that its template puts into it, hundreds of `<image>` among them. */
const withoutMarks = (prompt: string) => prompt.replace(/(<[^<>\s]+>\s*)+/g, " ").trim();

/** What both passes say: where they say the same, no effect means much. */
function answersOf({ mode, answers: { correct, incorrect }, readings }: Pair): string {
  const [clean, corrupted] = [readings.clean, readings.corrupted].map(({ prob }) => prob.toFixed(2));
  return `${correct.text}, not ${incorrect.text}: probability ${clean} as shown, ${corrupted} with the ${mode} corrupted.`;
}

/** No picture of attention stands without what the head does, nor a number without what to compare it with. */
function causes(effect: number | null, next: Strong | undefined): string {
  if (effect === null) return "No effect: both passes answer nearly the same.";
  const beside = next ? `; the next head, ${headName(next)}, ${next.value.toFixed(3)}` : "";
  return `Its value there alone brings ${effect.toFixed(3)} of the logit difference back${beside}.`;
}

const isWithin = ({ model }: Pair, parts: SiteParts | undefined) =>
  parts !== undefined && towerOf(model, parts.tower).tokens === "image";

function tokenOf(pair: Pair, parts: SiteParts | undefined, asked: Position | undefined): number {
  const { model, clean, question, answers } = pair;
  const within = isWithin(pair, parts);
  const position = asked ?? (within ? "all" : (lookingToken(pair) ?? "answer"));
  const count = countOf(clean.activations, parts?.tower ?? model.architecture.readout.tower);
  const [token, ...more] = resolvePosition(position, count, within ? "image" : question, answers);
  if (more.length === 0) return token!;
  const many = `A head looks from one token, and the position means ${1 + more.length}; give one index.`;
  throw new NoticeError("options", many);
}

type At = { readonly site: CircuitSite; readonly position: number };

/** A head, and what its value does. */
type Strong = HeadPlace & { readonly value: number };

/** The head that is asked for, or the one with the largest effect and the next. */
async function headAt(
  pair: Pair,
  at: At,
  { layer, head }: LookOptions,
): Promise<At & Omit<Strong, "value"> & { readonly next?: Strong | undefined }> {
  if (layer !== undefined && head !== undefined) return { ...at, layer, head };
  if (layer !== undefined || head !== undefined)
    throw new NoticeError("options", "overlay takes layer and head, or neither: then it finds the strongest head.");
  const scores = await sweep(pair, at);
  const [layers, heads] = scores.facts.shape as [number, number];
  const metric = scores.degenerate ? "logitDiff" : "effect";
  const all = indexes(layers).flatMap((layer) =>
    indexes(heads).map((head) => ({ layer, head, value: scores.at(metric, layer, head, at.position)! })),
  );
  const [most, next] = all.sort((one, other) => other.value - one.value) as [Strong, Strong?];
  return { ...at, layer: most.layer, head: most.head, next };
}

function ownPicture({ image }: Pair): ImageInput {
  if (image !== undefined) return image;
  throw new NoticeError("image", "This pair was made of pixels and knows no picture; give `image`.");
}
