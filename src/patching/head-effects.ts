import { checkShape } from "../base/options.js";
import { towerSize } from "../model/architecture.js";
import { PASS_KEYS, type PassOptions } from "./budget.js";
import type { HeadAt } from "./head-place.js";
import { checkPair, type Pair } from "./pair.js";
import { indexes } from "./run.js";
import { type CircuitSite, circuitSites, parseSite } from "./sites.js";
import { sweep } from "./sweep.js";

/** A head and what patching it at all positions does. */
export interface HeadEffect extends HeadAt {
  readonly logitDiff: number;
  /** Null where clean and corrupted answers hardly differ. */
  readonly effect: number | null;
}

/** What exact patching says of every head, at all positions together. */
export async function headEffects(pair: Pair, options: PassOptions = {}): Promise<HeadEffect[]> {
  checkPair(pair);
  checkShape("headEffects", options, { such: "{ signal }", keys: PASS_KEYS });
  const found: HeadEffect[] = [];
  const all = everyHead(pair);
  for (const site of circuitSites(pair.model.architecture)) {
    const before = found.length;
    const onProgress = (done: number) => options.onProgress?.(before + done, all.length);
    const scores = await sweep(pair, { site, together: true, ...options, onProgress });
    for (const at of all.filter((head) => head.site === site)) {
      const { layer, head } = at;
      found.push({ ...at, logitDiff: scores.at("logitDiff", layer, head)!, effect: scores.at("effect", layer, head) });
    }
  }
  return found;
}

/** All heads, those with the largest |logitDiff| in exact patching at all positions first. */
export async function rankHeads(pair: Pair, options: PassOptions = {}): Promise<HeadAt[]> {
  checkPair(pair);
  checkShape("rankHeads", options, { such: "{ signal }", keys: PASS_KEYS });
  const found = await headEffects(pair, options);
  found.sort((a, b) => Math.abs(b.logitDiff) - Math.abs(a.logitDiff));
  return found.map(({ site, layer, head }) => ({ site, layer, head }));
}

/** Every head of these sites; of the model, where none are given. */
export function everyHead(pair: Pair, sites?: readonly CircuitSite[]): HeadAt[] {
  checkPair(pair);
  const { model } = pair;
  return (sites ?? circuitSites(model.architecture)).flatMap((site) => {
    const { layers, heads } = towerSize(model, parseSite(model, site).tower);
    return indexes(layers).flatMap((layer) => indexes(heads).map((head) => ({ site, layer, head })));
  });
}
