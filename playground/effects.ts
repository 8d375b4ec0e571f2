import type { HeadMap as MapData } from "../src/page/map.js";
import { twoDecimals } from "../src/page/number.js";
import type { FoldedTokens } from "../src/page/token-strip.js";
import { type HeadPlace, headName } from "../src/patching/head-place.js";
import type { State } from "./state.js";
import type { Effects, Side } from "./view.js";

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

/** The token that is shown of a model. */
export const shownToken = ({ token, found }: Pick<Side, "token" | "found">): number => token ?? found?.token ?? 0;

/** A token as text: of a picture's, which of its patches; of a chat's last, that the answer follows it. */
export function tokenName({ found }: Pick<Side, "found">, token: number): string {
  const patch = found?.imageTokens.indexOf(token) ?? -1;
  if (patch >= 0) return `picture ${patch}`;
  return found && isLastOfFrame(found, token) ? "the last token" : (found?.tokens[token] ?? `${token}`);
}

/** It ends a chat's words, and its row becomes the answer. */
const isLastOfFrame = ({ frameTokens, tokens }: NonNullable<Side["found"]>, token: number) =>
  token === tokens.length - 1 && frameTokens.includes(token);

/** Tokens that few readers look at. */
export function foldedTokens(found: NonNullable<Side["found"]>): FoldedTokens[] {
  const around = found.frameTokens.filter((token) => !isLastOfFrame(found, token));
  return [
    { tokens: found.imageTokens, name: "tokens of the picture" },
    { tokens: around, name: "tokens around the question: marks of where it begins and who speaks" },
  ];
}

/** How a head at a token compares with all others; undefined where it was not swept. */
export function rankOf(side: Pick<Side, "effects" | "found">, at: Omit<EffectAt, "effect">): string | undefined {
  const all = strongestFirst(side.effects);
  const place = all.findIndex(({ layer, head, token }) => layer === at.layer && head === at.head && token === at.token);
  if (place < 0) return undefined;
  const other = all[place === 0 ? 1 : 0];
  const [rank, which] = place === 0 ? ["The strongest", "next"] : [`Number ${place + 1}`, "strongest"];
  const named = other && `${headName(other)} at “${tokenName(side, other.token)}”, ${twoDecimals(other.effect)}`;
  return `${rank} of ${all.length} (each head at each token)${named ? `; the ${which} is ${named}` : ""}.`;
}

type Changed = Pick<State, "off" | "how">;
const UNCHANGED: Changed = { off: [], how: "corrupted" };

/** The effects at a token as a map; heads whose layer is not swept yet have none. */
export function mapOf(side: Side, token: number, { off, how }: Changed = UNCHANGED): MapData | undefined {
  const { effects, facts } = side;
  const some = effects.find((layer) => layer !== undefined);
  const size = facts ?? (some && { layers: effects.length, heads: some.length });
  if (!size) return undefined;
  const layers = Array.from({ length: size.layers }, (_, layer) => layer);
  const heads = Array.from({ length: size.heads }, (_, head) => head);
  return {
    values: layers.map((layer) => heads.map((head) => effects[layer]?.[head]?.[token] ?? null)),
    title: `Effect of each head at “${tokenName(side, token)}”`,
    legend: "effect: 1 is all of the answer, 0 nothing",
    rows: { title: "layer" },
    columns: { title: "head" },
    extent: extentOf(effects),
    marks: {
      cells: off.map(({ layer, head }) => [layer, head] as const),
      meaning: how === "clean" ? "patched" : "switched off",
    },
  };
}

/** Where the colours of effects end: never so near that noise has a colour. */
export const extentOf = (effects: Effects): number =>
  Math.max(0.1, ...effects.flatMap((layer) => layer?.flat() ?? []).map((effect) => Math.abs(effect ?? 0)));
