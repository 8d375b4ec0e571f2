import { NoticeError } from "../base/errors.js";
import { imagePlaces } from "../patching/image-places.js";
import { type ImageInput, pictureOf } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import type { Pair } from "../patching/pair.js";
import type { Position } from "../patching/positions.js";
import { parseSite } from "../patching/sites.js";

/** Where something is patched. */
interface Placed {
  readonly site: string;
  readonly position?: Position;
}

/**
 * A place whose position `box:10,20,64,64`, `tile:0` or `mask:FILE`, if it is one of these, has become the image tokens
 * that it means.
 *
 * @param image the pair's clean picture, in whose pixels a box is.
 * @throws NoticeError `site` where none of the site's tokens is the picture's, or there is no such tile; `image` as
 * `Model.tokensIn`.
 */
export async function inPicture<Place extends Placed>(
  model: Model,
  { question }: Pair,
  place: Place,
  image: ImageInput,
): Promise<Place> {
  // What is no place at all is refused where it is patched.
  const position = place?.position;
  const [, kind, what] = (typeof position === "string" && /^(box|mask|tile):(.+)$/.exec(position)) || [];
  if (kind === undefined || what === undefined) return place;
  const { site } = place;
  const { tokens } = parseSite(model, site);
  if (tokens !== "image" && !(tokens === "question" && question.image))
    throw new NoticeError("site", `${position} means image tokens, and those of ${site} are none: take a vision site.`);
  const among = tokens === "question" ? question : undefined;
  if (kind === "mask") return { ...place, position: await model.tokensUnder(what, among) };
  if (kind === "tile") {
    const places = imagePlaces(model, await pictureOf(image), among);
    const found = places.filter(({ tile = 0 }) => String(tile) === what);
    if (found.length > 0) return { ...place, position: found.map(({ token }) => token) };
    const last = places.at(-1)!.tile ?? 0;
    throw new NoticeError(
      "site",
      `${position} is none of this picture's tiles; give tile:0${last ? ` to tile:${last}, the last of which is the whole picture` : ", the whole picture"}.`,
    );
  }
  const [x, y, width, height] = what.split(",").map(Number) as [number, number, number, number];
  return { ...place, position: await model.tokensIn([x, y, width, height], await pictureOf(image), among) };
}
