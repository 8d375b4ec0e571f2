import type { Score } from "./metrics.js";
import type { Pair } from "./pair.js";
import { patch, type Selection } from "./patch.js";
import type { Position } from "./positions.js";
import type { Site } from "./sites.js";
import { type Source, zero } from "./sources.js";

/**
 * Takes places out of the clean pass, all at once: what they carry is replaced by zeros (a knock-out), or by what another source has:
 * `meanOf` runs of a reference set, `fromRun` of another sample (resample ablation). An `effect` of 1 is as bad as the corruption.
 *
 * @throws NoticeError `site` where one of the places is not there.
 * @example await ablate(pair, [{ site: "text.cross.z", layer: 1, head: [0, 2] }], meanOf(runs))
 */
export async function ablate(pair: Pair, selections: readonly Selection[], source: Source = zero): Promise<Score> {
  return patch(pair, selections, { direction: "noise", source });
}

/** One site in a window of consecutive layers, the last one included; to be patched or ablated together. */
export function layerWindow(
  site: Site,
  [first, last]: readonly [number, number],
  place: { readonly head?: number | readonly number[]; readonly position?: Position } = {},
): Selection[] {
  return Array.from({ length: last - first + 1 }, (_, i) => ({ site, layer: first + i, ...place }));
}
