import { checkObject, NoticeError } from "../base/errors.js";
import { checkShape, namesOf } from "../base/options.js";
import { towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { PASS_KEYS, type PassOptions } from "./budget.js";
import type { Score } from "./metrics.js";
import { checkPair, type Pair } from "./pair.js";
import { OPTION_KEYS, type PatchOptions } from "./patch.js";
import { patchEach } from "./patch-each.js";
import type { Position } from "./positions.js";
import { indexes } from "./run.js";
import { resolveSelection } from "./selection.js";
import { parseSite, type Site } from "./sites.js";

/** Groups of tokens by names of one's own, each a position of the site. */
export type Groups<Name extends string = string> = Readonly<Record<Name, Position>>;

/**
 * What comes back of the answer where all tokens of a group are patched together, layer by layer: recovery by token
 * group (FCCT, 2511.05923). `tokenGroups` makes the usual groups.
 *
 * @returns of each group the scores of every layer.
 * @throws NoticeError `site`, `tokens`, `options`, `memory`
 * @example await sweepGroups(pair, { site: "text.resid_post", groups: { answer: "answer", last: "last" } })
 */
export async function sweepGroups<A extends ArchitectureName, Name extends string>(
  pair: Pair<A>,
  place: { readonly site: Site<A>; readonly groups: Groups<Name> },
  options: PatchOptions & PassOptions = {},
): Promise<Record<Name, Score[]>> {
  checkPair(pair);
  checkShape("sweepGroups", place, {
    such: '{ site: "text.resid_post", groups: { last: "last" } }',
    keys: ["site", "groups"],
  });
  checkShape("sweepGroups", options, { such: '{ direction: "noise" }', keys: [...OPTION_KEYS, ...PASS_KEYS] });
  const { site, groups } = place;
  checkObject("groups", groups, '{ answer: "answer", last: "last" }');
  const names = namesOf(groups);
  if (names.length === 0) throw new NoticeError("options", "There are no groups; give at least one.");
  const parts = parseSite(pair.model, site);
  const { layers } = towerSize(pair.model, parts.tower);
  const items = indexes(layers).flatMap((layer) => names.map((name) => ({ layer, position: groups[name] })));
  const spots = (item: { readonly layer: number; readonly position: Position }) => [
    resolveSelection(pair as Pair, { site, ...item }),
  ];
  const { direction = "denoise", ...rest } = options;
  const scores = await patchEach(pair as Pair, items, { spots, sites: [parts] }, { direction, ...rest });
  const of = (at: number) => indexes(layers).map((layer) => scores[layer * names.length + at]!);
  return Object.fromEntries(names.map((name, at) => [name, of(at)])) as Record<Name, Score[]>;
}
