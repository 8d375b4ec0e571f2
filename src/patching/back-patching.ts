import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { PASS_KEYS, type PassOptions } from "./budget.js";
import type { Score } from "./metrics.js";
import { checkPair, type Pair } from "./pair.js";
import { patchEach } from "./patch-each.js";
import type { Position, PositionAt } from "./positions.js";
import { checkLayer, indexes, type Run } from "./run.js";
import { resolveSelection } from "./selection.js";
import { parseSite } from "./sites.js";
import { fromRun, type Source } from "./sources.js";

/** What an earlier layer does with what a later one knows. */
export interface BackPatch extends Score {
  /** The layer whose values are taken. */
  readonly from: number;
  /** The earlier layer into which they are put. */
  readonly to: number;
}

/**
 * The values that a run has at the same site in another layer.
 *
 * @throws NoticeError `options` for no run; `site` where a patch uses it and there is no such layer.
 */
export function fromLayer(run: Run, layer: number): Source {
  const values = fromRun(run);
  return (site) => {
    checkLayer(run.model, site.tower, layer);
    return values(site, layer);
  };
}

/**
 * Back-patching (Nikankin et al. 2506.09047): values of a later layer of the clean pass are put into an earlier layer
 * of that same pass, for every two layers. Where the answer gains, what is known of these tokens is known too late.
 *
 * @param place a site whose layers have one shape (`resid_post` in the paper) and of its positions some or all: of a
 * model that has the picture among its words `"image"`.
 * @returns from the last layer on, each into all before it. `logitDiff` is the gain over the clean pass; `effect` is 1
 * where the answer became that of the corrupted pass, and below 0 where it is better than the clean one.
 * @throws NoticeError `site`, `tokens`, `memory`
 * @example await backPatching(pair, { site: "text.resid_post", position: "image" })
 */
export async function backPatching<A extends ArchitectureName>(
  pair: Pair<A>,
  place: PositionAt<A>,
  options?: PassOptions,
): Promise<BackPatch[]>;
export async function backPatching(
  pair: Pair,
  place: { readonly site: string; readonly position?: Position },
  options: PassOptions = {},
): Promise<BackPatch[]> {
  checkPair(pair);
  checkShape("backPatching", place, { such: '{ site: "text.resid_post" }', keys: ["site", "position"] });
  checkShape("backPatching", options, { such: "{ signal }", keys: PASS_KEYS });
  const parts = parseSite(pair.model, place.site);
  const { layers } = towerSize(pair.model, parts.tower);
  if (layers < 2)
    throw new NoticeError("site", `The ${parts.tower} tower has one layer: there is none before it to patch.`);
  const total = (layers * (layers - 1)) / 2;
  const spots = (layer: number) => [resolveSelection(pair, { ...place, layer })];
  const found: BackPatch[] = [];
  for (let from = layers - 1; from > 0; from--) {
    const done = found.length;
    const scores = await patchEach(
      pair,
      indexes(from),
      { spots, sites: [parts] },
      {
        direction: "noise",
        source: fromLayer(pair.clean, from),
        memory: options.memory,
        signal: options.signal,
        onProgress: (more) => options.onProgress?.(done + more, total),
      },
    );
    found.push(...scores.map((score, to) => ({ from, to, ...score })));
  }
  return found;
}
