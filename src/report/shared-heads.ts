import { type HeadFunctionName, headFunctions } from "../patching/attention-functions.js";
import type { Site } from "../patching/sites.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import type { SiteUniversality } from "./report-data.js";

/** A head with the circuits that it is in, of how many. */
export interface SharedPlace {
  readonly site: Site;
  readonly layer: number;
  readonly head: number;
  readonly circuits: readonly string[];
  readonly of: number;
}

/** The heads that are in most circuits: where those are all, the universal ones. None where no circuit has a head. */
export function sharedHeads(universal: readonly SiteUniversality[]): SharedPlace[] {
  const most = Math.max(1, ...universal.map(({ universality: { heads } }) => heads[0]?.circuits.length ?? 0));
  return universal.flatMap(({ site, universality: { heads, names } }) =>
    heads.filter(({ circuits }) => circuits.length === most).map((one) => ({ site, ...one, of: names.length })),
  );
}

/** The function of a head that most data sets show; undefined where none does. */
export function roleOf(facts: readonly HeadFunctionFacts[]): HeadFunctionName | undefined {
  const counts = new Map<HeadFunctionName, number>();
  for (const name of facts.flatMap(headFunctions)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
