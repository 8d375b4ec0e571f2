import { turn } from "../base/turn.js";
import { extentOf, type PassOptions, patchesAtOnce } from "./budget.js";
import type { Score } from "./metrics.js";
import type { Pair } from "./pair.js";
import { type BatchOptions, patchBatch } from "./patch.js";
import type { Spot } from "./selection.js";
import type { SiteParts } from "./sites.js";

/**
 * The score of a patched pass for each item, as many passes at once as fit.
 *
 * @param spots where an item's pass is patched. @param sites of all spots.
 * @throws NoticeError `memory` where not even one fits.
 */
export async function patchEach<Item>(
  pair: Pair,
  items: readonly Item[],
  { spots, sites }: { spots(item: Item): readonly Spot[]; readonly sites: readonly SiteParts[] },
  { memory, onProgress, signal, ...options }: BatchOptions & PassOptions,
): Promise<Score[]> {
  const extent = extentOf(pair);
  const size = Math.min(...sites.map((site) => patchesAtOnce(pair.model, site, extent, memory)));
  const scores: Score[] = [];
  for (let from = 0; from < items.length; from += size) {
    await turn(signal);
    const batch = items.slice(from, from + size).map(spots);
    const found = await patchBatch(pair, batch, { ...options, signal });
    // Where no item patches anything, the unpatched pass answers for all.
    scores.push(...batch.map((_, row) => found[Math.min(row, found.length - 1)]!));
    onProgress?.(scores.length, items.length);
  }
  return scores;
}
