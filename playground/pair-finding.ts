import { twoDecimals } from "../src/page/number.js";
import { rankCorrelation } from "../src/patching/comparison.js";
import { headName } from "../src/patching/head-place.js";
import { strongestFirst, tokenName } from "./effects.js";
import { isSwept } from "./heads-panel.js";
import type { Side } from "./view.js";

/** A model by the name that the page has for it. */
export interface Named {
  readonly name: string;
  readonly side: Side;
}

/**
 * What two models have in common on one pair, each at the token where its answer is on its way; none before both are
 * swept.
 */
export function pairFinding(one: Named, other: Named): string[] {
  const [a, b] = [strongestOf(one), strongestOf(other)];
  if (!a || !b) return [];
  return [
    `On this pair the strongest head of ${one.name} is ${a.says}, that of ${other.name} ${b.says}.`,
    ranks(one, a.rows, other, b.rows),
  ];
}

/** The strongest head, and every head's effect, [layer][head]. */
function strongestOf({ side }: Named) {
  const token = side.found?.token;
  if (token === undefined || !isSwept(side)) return undefined;
  const [best] = strongestFirst(side.effects).filter((one) => one.token === token);
  const rows = side.effects.map((heads) => heads!.map((tokens) => tokens[token] ?? 0));
  return (
    best && { rows, says: `${headName(best)} (effect ${twoDecimals(best.effect)}, at “${tokenName(side, token)}”)` }
  );
}

function ranks(one: Named, a: readonly (readonly number[])[], other: Named, b: readonly (readonly number[])[]): string {
  if (a.length !== b.length || a[0]!.length !== b[0]!.length || one.side.facts?.site !== other.side.facts?.site)
    return "They have other layers or heads, or look at the picture from another place: no head of one is that of the other by name. Functions can be compared: over many scenes, below.";
  const sizes = [a, b].map((rows) => rows.flat().map(Math.abs)) as [number[], number[]];
  const alike = rankCorrelation(...sizes);
  const how =
    alike === null
      ? "cannot be compared"
      : `are ranked alike by ${twoDecimals(alike)} (Spearman: 1 the same, 0 by chance)`;
  return `By their names, the ${sizes[0].length} heads ${how}. Two models that were trained apart share no names: what the heads do is compared over many scenes, below.`;
}
