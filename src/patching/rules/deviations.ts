import { mean } from "../../base/mean.js";
import { deviation } from "../circuits.js";
import type { Metric } from "../metrics.js";
import { bySize, columnMeans, type Evidence, type HeadTable, type Rule, type Ruled, wholeRows } from "./rule.js";

/**
 * The paper's rule (section 4): the heads whose mean is at least two standard deviations above the mean over the heads
 * of their site.
 *
 * @param of the metric; without, the evidence's own.
 * @param signed take the mean of the score itself, not of its size: only heads that work for the answer.
 */
export function twoDeviations(about: string, of?: Metric, signed = false): Rule {
  return {
    about,
    find: (evidence) => standingOut(evidence, evidence.scores[of ?? evidence.metric ?? "effect"], signed),
  };
}

function standingOut({ heads, patched }: Evidence, table: HeadTable, signed: boolean): Ruled | undefined {
  const rows = wholeRows(table, heads.length);
  if (rows.length === 0) return undefined;
  const means = columnMeans(rows, signed);
  const members = new Set<number>();
  for (const site of new Set(heads.map((head) => head.site))) {
    const here = heads.flatMap((head, at) => (head.site === site ? [at] : []));
    const own = here.map((at) => means[at]!);
    const spread = deviation(own);
    const threshold = mean(own) + 2 * spread;
    // Equal means deviate by rounding only, and then no head stands out.
    if (spread > 1e-12) for (const at of here) if (means[at]! >= threshold && patched?.[at] !== false) members.add(at);
  }
  const ranked = bySize(means);
  return { circuit: ranked.filter((at) => members.has(at)), ranked };
}
