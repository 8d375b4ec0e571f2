import { middle95 } from "../base/mean.js";
import type { HeadScores } from "../patching/circuits.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { HeadPicture } from "./report-data.js";

/** What a head does on a picture. */
export interface OnPicture {
  /** How plainly it does what its role is. */
  readonly by: number;
  /** Null where it was not patched or has no score. */
  readonly effect: number | null;
}

/** A picture shows nothing of a head that brings back less of the answer there. */
export const CLEAR = 0.05;

/**
 * The picture on which a head does most plainly what it does, among those on which it matters, and the one on which it
 * does so least; the first is left out where it matters on none.
 */
export function endsOf<Item extends OnPicture>(items: readonly Item[]): { what: HeadPicture["what"]; of: Item }[] {
  const sorted = [...items].sort((a, b) => b.by - a.by);
  const clearest = sorted.find(({ effect }) => (effect ?? 0) >= CLEAR);
  const least = sorted.at(-1);
  return [
    ...(clearest ? [{ what: "clearest" as const, of: clearest }] : []),
    ...(least && least !== clearest ? [{ what: "counter-example" as const, of: least }] : []),
  ];
}

/** Where the effects of all other heads lie on a picture. */
export function othersOn(effects: HeadScores, { layer, head }: HeadPlace): [low: number, high: number] | null {
  const others = effects
    .flatMap((heads, l) => heads.filter((_, h) => l !== layer || h !== head))
    .filter((one) => one != null)
    .sort((a, b) => a - b);
  return others.length < 2 ? null : middle95(others);
}
