import { checkList, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { PlaceIn } from "./edits.js";
import type { Score } from "./metrics.js";
import type { Pair } from "./pair.js";
import { patch } from "./patch.js";
import type { Selection } from "./selection.js";
import type { Site } from "./sites.js";
import { type Source, zero } from "./sources.js";

/** More than any model has. */
const MOST_LAYERS = 1000;

/**
 * Ablates places of the clean pass, all at once. Their values are replaced by zeros (a knock-out) or by those of
 * another source: `meanOf` runs of a reference set, or `fromRun` of another sample (resample ablation). An `effect` of
 * 1 is as bad as the corruption.
 *
 * @throws NoticeError `site` where one of the places is not there.
 * @example await ablate(pair, [{ site: "text.cross.z", layer: 1, head: [0, 2] }], meanOf(runs))
 */
export async function ablate<A extends ArchitectureName>(
  pair: Pair<A>,
  selections: readonly Selection<A>[],
  source: Source = zero,
): Promise<Score> {
  return patch(pair, selections, { direction: "noise", source });
}

/**
 * One site in a window of consecutive layers, the last one included; to be patched or ablated together.
 *
 * @throws NoticeError `site` where the window ends before it begins; `patch` where a layer is not there.
 * @example await patch(pair, layerWindow("text.cross.z", [1, 2], { position: "answer" }))
 */
export function layerWindow<S extends Site>(
  site: S,
  window: readonly [number, number],
  place: PlaceIn<S> = {},
): Selection[] {
  checkList("The window of layerWindow", window, "[1, 2]");
  checkShape("layerWindow", place, { such: "{ position }", keys: ["head", "heads", "position"] });
  const [first, last] = window;
  if (!(first <= last && last - first < MOST_LAYERS))
    throw new NoticeError(
      "site",
      `Layers ${first} to ${last} are no window; give the first and the last, such as [1, 2].`,
    );
  // What the site allows, the signature has checked.
  return Array.from({ length: last - first + 1 }, (_, i) => ({ site, layer: first + i, ...place }) as Selection);
}
