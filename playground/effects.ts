import { twoDecimals } from "../src/page/number.js";
import type { FoldedTokens } from "../src/page/token-strip.js";
import { type HeadPlace, headName } from "../src/patching/head-place.js";
import type { Effects, View } from "./store.js";

/** A head at a token, and what patching it there does. */
export interface EffectAt extends HeadPlace {
  readonly token: number;
  readonly effect: number;
}

/** All that a sweep has found so far, the strongest first. */
export function strongestFirst(effects: Effects): EffectAt[] {
  return effects
    .flatMap((heads, layer) =>
      (heads ?? []).flatMap((tokens, head) => tokens.map((effect, token) => ({ layer, head, token, effect }))),
    )
    .filter((one): one is EffectAt => one.effect !== null)
    .sort((a, b) => b.effect - a.effect);
}

/** The token that the page shows. */
export const shownToken = ({ state, found }: View): number => state.token ?? found?.token ?? 0;

/** A token as text: of a picture's, which of its patches; of a chat's last, that the answer follows it. */
export function tokenName({ found }: View, token: number): string {
  const patch = found?.imageTokens.indexOf(token) ?? -1;
  if (patch >= 0) return `picture ${patch}`;
  return found && isLastOfFrame(found, token) ? "the last token" : (found?.tokens[token] ?? `${token}`);
}

/** It ends a chat's words, and its row becomes the answer. */
const isLastOfFrame = ({ frameTokens, tokens }: NonNullable<View["found"]>, token: number) =>
  token === tokens.length - 1 && frameTokens.includes(token);

/** Tokens that few readers look at. */
export function foldedTokens(found: NonNullable<View["found"]>): FoldedTokens[] {
  const around = found.frameTokens.filter((token) => !isLastOfFrame(found, token));
  return [
    { tokens: found.imageTokens, name: "tokens of the picture" },
    { tokens: around, name: "tokens around the question: marks of where it begins and who speaks" },
  ];
}

/** How a head at a token compares with all others; undefined where it was not swept. */
export function rankOf(view: View, at: Omit<EffectAt, "effect">): string | undefined {
  const all = strongestFirst(view.effects);
  const place = all.findIndex(({ layer, head, token }) => layer === at.layer && head === at.head && token === at.token);
  if (place < 0) return undefined;
  const other = all[place === 0 ? 1 : 0];
  const [rank, which] = place === 0 ? ["The strongest", "next"] : [`Number ${place + 1}`, "strongest"];
  const named = other && `${headName(other)} at “${tokenName(view, other.token)}”, ${twoDecimals(other.effect)}`;
  return `${rank} of ${all.length} (each head at each token)${named ? `; the ${which} is ${named}` : ""}.`;
}
