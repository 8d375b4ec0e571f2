import { findCircuit } from "../circuits.js";
import { bySize, columnMeans, type Evidence, type Rule, type Ruled, wholeRows } from "./rule.js";

/**
 * The heads that carry more than the average head of their sample, over all tokens: sign flips over the samples give
 * each head a p-value, and Benjamini and Hochberg's step keeps the share of false ones among all heads of all sites at
 * the rate.
 */
export const controlled: Rule = {
  about: "more than the average head, false discoveries controlled over samples (sign flips)",
  find({ heads, effects, patched, rate, seed }: Evidence): Ruled | undefined {
    const rows = wholeRows(effects, heads.length);
    if (rows.length === 0) return undefined;
    const table = rows.map((row) => [row]);
    // Resamples are for intervals, which nobody reads here; the flips follow from the rate.
    const { heads: found } = findCircuit(table, { rate, seed, resamples: 100, patched: patched && [patched] });
    const members = new Set(found.filter(({ inControlled }) => inControlled).map(({ head }) => head));
    const ranked = bySize(columnMeans(rows));
    return { circuit: ranked.filter((at) => members.has(at)), ranked };
  },
};
