import { checkList, NoticeError } from "../../base/errors.js";
import { checkShape } from "../../base/options.js";
import { attributeAll } from "../attribute.js";
import { keptBy } from "../faithful.js";
import { everyHead } from "../head-effects.js";
import type { HeadAt } from "../head-place.js";
import type { Metric } from "../metrics.js";
import type { Pair } from "../pair.js";
import type { Scores } from "../scores.js";
import { type CircuitSite, circuitSites } from "../sites.js";
import { sweep } from "../sweep.js";
import type { Evidence, HeadTable } from "./rule.js";
import { remembering } from "./rules.js";

/** Whose heads circuits are made of. */
export interface EvidenceOptions {
  /** Default: every `z`. */
  readonly sites?: readonly CircuitSite[];
}

/**
 * What pairs of one model say about its heads, each patched at all positions together.
 *
 * @throws NoticeError `options` where there is no pair, or clean and corrupted answers of one hardly differ; as
 * `sweep`.
 * @example await findBy("greedy", await evidenceOf(pairs))
 */
export async function evidenceOf(pairs: readonly Pair[], options: EvidenceOptions = {}): Promise<Evidence> {
  checkList("The pairs of evidenceOf", pairs, "[pair, pair]");
  checkShape("evidenceOf", options, { such: "{ sites }", keys: ["sites"] });
  const [first] = pairs;
  if (first === undefined) throw new NoticeError("options", "There is no evidence in no pairs; give at least one.");
  const sites = options.sites ?? circuitSites(first.model.architecture);
  const heads = everyHead(first, sites);
  const swept = await Promise.all(pairs.map((pair) => tablesOf(pair, sites)));
  const rows = (metric: Metric, of: "scores" | "attributions") =>
    swept.map((tables) => heads.map(({ site, layer, head }) => tables[of].get(site)!.at(metric, layer, head)));
  const scores = tablesBy((metric) => rows(metric, "scores"));
  return remembering({
    heads,
    scores,
    effects: scores.effect,
    attributions: rows("effect", "attributions"),
    async keep(sets) {
      const named = sets.map((set) => set.map((at) => heads[at]!));
      const totals = sets.map(() => 0);
      for (const pair of pairs)
        for (const [i, share] of (await keptBy(pair, named, { sites })).entries()) totals[i]! += share;
      return totals.map((total) => total / pairs.length);
    },
  });
}

type Tables = Readonly<Record<"scores" | "attributions", ReadonlyMap<HeadAt["site"], Scores>>>;

async function tablesOf(pair: Pair, sites: readonly CircuitSite[]): Promise<Tables> {
  const attributions = await attributeAll(pair, sites, { together: true });
  const scores = new Map<HeadAt["site"], Scores>();
  for (const site of sites) scores.set(site, await sweep(pair, { site, together: true }));
  return { scores, attributions: new Map(sites.map((site, i) => [site, attributions[i]!])) };
}

const tablesBy = (of: (metric: Metric) => HeadTable): Evidence["scores"] => ({
  prob: of("prob"),
  probDiff: of("probDiff"),
  logitDiff: of("logitDiff"),
  effect: of("effect"),
});
