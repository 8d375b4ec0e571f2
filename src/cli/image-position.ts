import { NoticeError } from "../base/errors.js";
import type { Model } from "../patching/model.js";
import type { Position } from "../patching/positions.js";
import { parseSite } from "../patching/sites.js";

/**
 * A position on the command line, of which `box:10,20,64,64` and `mask:FILE` are image tokens.
 *
 * @param image the clean picture, whose pixels a box is in.
 * @throws NoticeError `site` where the site's tokens are not the picture's, `image` as `tokensInBox` and `tokensUnder`.
 */
export async function imagePosition(model: Model, site: string, position: Position, image: string): Promise<Position> {
  const [, kind, what] = (typeof position === "string" && /^(box|mask):(.+)$/.exec(position)) || [];
  if (kind === undefined || what === undefined) return position;
  if (parseSite(model, site).tokens !== "image")
    throw new NoticeError("site", `${position} means image tokens, and those of ${site} are none: take a vision site.`);
  if (kind === "mask") return model.tokensUnder(what);
  const [x, y, width, height] = what.split(",").map(Number) as [number, number, number, number];
  return model.tokensIn([x, y, width, height], image);
}
