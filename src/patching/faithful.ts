import { checkList, checkObject, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { random } from "../base/random.js";
import { towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { isShared } from "./attributions.js";
import { PASS_KEYS, type PassOptions } from "./budget.js";
import { everyHead } from "./head-effects.js";
import { type HeadAt, siteHeadName } from "./head-place.js";
import { checkPair, type Pair } from "./pair.js";
import { patchEach } from "./patch-each.js";
import { checkIndex, checkLayer, indexes } from "./run.js";
import { resolveSelection, type Spot } from "./selection.js";
import { type CircuitSite, circuitSites, parseSite } from "./sites.js";

/** More would tell no smaller a chance than anybody reads. */
const MOST_SETS = 10_000;

/** Which heads sets are made of, and what their passes may take. */
export interface SetOptions extends PassOptions {
  /** Whose heads are kept or corrupted; those of all other sites compute on what reaches them. Default: every `z`. */
  readonly sites?: readonly CircuitSite[];
}

/** How a set of heads is tested. */
export interface FaithfulOptions extends SetOptions {
  /** Sets of as many random heads to compare with. Default 20. */
  readonly randomSets?: number;
  /** Of the random sets. Default 0. */
  readonly seed?: number;
}

const SET_KEYS = [...PASS_KEYS, "sites"];

/** @throws NoticeError `options` for a key that the function has not, or heads that are no list. */
function checkSets(of: string, heads: unknown, options: unknown, more: readonly string[]): void {
  checkList(`The heads of ${of}`, heads, '[{ site: "text.cross.z", layer: 0, head: 1 }]');
  checkShape(of, options, { such: "{ signal }", keys: [...SET_KEYS, ...more] });
  // What stands beside the three, such as an effect, is nobody's mistake: each of them is needed.
  for (const head of heads as unknown[]) checkObject(`A head of ${of}`, head, "{ site, layer, head }");
}

/**
 * How well a set of heads explains the answer. All shares are of the way from the corrupted answer to the clean one.
 */
export interface Faithfulness {
  /** Heads in the set, and heads there are. */
  readonly size: number;
  readonly of: number;
  /** What is left where all other heads are corrupted: 1 is as good as the whole model. */
  readonly kept: number;
  /**
   * What is left where the set is corrupted and no other head: 0 says that nothing else carries the answer
   * (completeness).
   */
  readonly removed: number;
  /** Per head of the set, what `kept` loses without it (minimality): 0 says that the set does not need it. */
  readonly losses: readonly (HeadAt & { readonly loss: number })[];
  /** The control: `kept` of random sets of the same size, and how often chance is as good. */
  readonly random: { readonly kept: readonly number[]; readonly pValue: number | null };
}

/**
 * Faithfulness, completeness and minimality of a set of heads (Wang et al. 2211.00593, section 4), in the clean pass,
 * corrupted heads having the values of the corrupted one at all positions.
 *
 * @throws NoticeError `site` where a head is not there, `options` where clean and corrupted answers hardly differ.
 */
export async function faithfulness<A extends ArchitectureName>(
  pair: Pair<A>,
  heads: readonly HeadAt<A>[],
  options?: FaithfulOptions,
): Promise<Faithfulness>;
export async function faithfulness(
  pair: Pair,
  heads: readonly HeadAt[],
  options: FaithfulOptions = {},
): Promise<Faithfulness> {
  checkPair(pair);
  checkSets("faithfulness", heads, options, ["randomSets", "seed"]);
  const { sites = circuitSites(pair.model.architecture), randomSets = 20, seed = 0 } = options;
  if (!Number.isInteger(randomSets) || randomSets < 0 || randomSets > MOST_SETS)
    throw new NoticeError(
      "options",
      `randomSets is ${randomSets}; a whole number up to ${MOST_SETS} was expected, 0 for no control.`,
    );
  const all = everyHead(pair, sites);
  const members = unique(pair, heads, sites);
  const names = new Set(members.map(siteHeadName));
  const others = all.filter((head) => !names.has(siteHeadName(head)));
  const drawn = Array.from({ length: randomSets }, (_, i) => random(seed, "faithful", i).draw(all, members.length));
  const leftOut = members.map((one) => members.filter((head) => head !== one));
  const [kept, removed, ...rest] = await keptBy(pair, [members, others, ...leftOut, ...drawn], options);
  const controls = rest.slice(members.length);
  return {
    size: members.length,
    of: all.length,
    kept: kept!,
    removed: removed!,
    losses: members.map((head, i) => ({ ...head, loss: kept! - rest[i]! })),
    random: { kept: controls, pValue: pValueOf(kept!, controls) },
  };
}

/** How often chance is as good, never 0 (Phipson and Smyth 2010); null where nothing was drawn. */
export function pValueOf(kept: number, controls: readonly number[]): number | null {
  if (controls.length === 0) return null;
  // Equal sets in different batches differ by rounding.
  return (controls.filter((share) => share >= kept - 1e-5).length + 1) / (controls.length + 1);
}

/** Faithfulness over the size of the circuit. */
export interface FaithfulnessCurve {
  /** Heads kept, from none to all. */
  readonly sizes: readonly number[];
  readonly kept: readonly number[];
  /** Area under the curve over the share of heads that is kept: large where few heads suffice. */
  readonly cpr: number;
  /** Area between the curve and 1: small where few heads do as the whole model does. */
  readonly cmd: number;
}

/**
 * What the first heads of a ranking keep, with MIB's circuit performance ratio and circuit-model distance (Mueller et
 * al. 2504.13151, section 3.2), over heads instead of edges.
 *
 * @param ranked the most important first; heads that it lacks come after them, in the order of the model.
 * @param options `sizes`: how many heads are kept; 0 and all are added. Default: every size up to 20 steps.
 */
export async function faithfulnessCurve<A extends ArchitectureName>(
  pair: Pair<A>,
  ranked: readonly HeadAt<A>[],
  options?: SetOptions & { readonly sizes?: readonly number[] },
): Promise<FaithfulnessCurve>;
export async function faithfulnessCurve(
  pair: Pair,
  ranked: readonly HeadAt[],
  given: SetOptions & { readonly sizes?: readonly number[] } = {},
): Promise<FaithfulnessCurve> {
  checkPair(pair);
  checkSets("faithfulnessCurve", ranked, given, ["sizes"]);
  const { sizes, ...options } = given;
  const { sites: among = circuitSites(pair.model.architecture) } = options;
  const order = unique(pair, [...ranked, ...everyHead(pair, among)], among);
  const steps = Math.min(20, order.length);
  const asked = sizes ?? Array.from({ length: steps }, (_, i) => Math.round((i * order.length) / steps));
  for (const size of asked) checkIndex("size", size, order.length + 1, "a circuit of this model");
  const at = [...new Set([0, ...asked, order.length])].sort((a, b) => a - b);
  const kept = await keptBy(
    pair,
    at.map((size) => order.slice(0, size)),
    options,
  );
  const area = (height: (share: number) => number) =>
    at.slice(1).reduce((sum, size, i) => {
      const width = (size - at[i]!) / order.length;
      return sum + (width * (height(kept[i]!) + height(kept[i + 1]!))) / 2;
    }, 0);
  return { sizes: at, kept, cpr: area((share) => share), cmd: area((share) => Math.abs(1 - share)) };
}

/**
 * What each set keeps of the answer where all other heads are corrupted.
 *
 * @throws NoticeError `options` where clean and corrupted answers hardly differ.
 */
export async function keptBy(pair: Pair, sets: readonly (readonly HeadAt[])[], options: SetOptions): Promise<number[]> {
  // To corrupt what is the same in both passes changes nothing.
  const { model } = pair;
  const sites = (options.sites ?? circuitSites(model.architecture)).filter(
    (site) => !isShared(pair, parseSite(model, site)),
  );
  const spots = corrupting(pair, sites);
  const where = { spots, sites: sites.map((site) => parseSite(model, site)) };
  const { memory, onProgress, signal } = options;
  const scores = await patchEach(pair, sets, where, { direction: "noise", memory, onProgress, signal });
  return scores.map(({ effect }) => {
    if (effect === null)
      throw new NoticeError(
        "options",
        "Clean and corrupted answers of this pair hardly differ: there is nothing to be faithful to.",
      );
    return 1 - effect;
  });
}

/** From the heads that are kept to those that are not, a spot for each site and layer: of equal heads the same. */
function corrupting(pair: Pair, sites: readonly CircuitSite[]): (kept: readonly HeadAt[]) => Spot[] {
  const layers = sites.flatMap((site) => {
    const { layers, heads } = towerSize(pair.model, parseSite(pair.model, site).tower);
    return indexes(layers).map((layer) => {
      const names = indexes(heads).map((head) => siteHeadName({ site, layer, head }));
      return { site, layer, names, known: new Map<string, Spot>() };
    });
  });
  return (kept) => {
    const stay = new Set(kept.map(siteHeadName));
    return layers.flatMap(({ site, layer, names, known }) => {
      const corrupted = indexes(names.length).filter((head) => !stay.has(names[head]!));
      if (corrupted.length === 0) return [];
      const spot = known.get(`${corrupted}`) ?? resolveSelection(pair, { site, layer, head: corrupted });
      known.set(`${corrupted}`, spot);
      return [spot];
    });
  };
}

/** Each head once, all of them there. */
function unique({ model }: Pair, heads: readonly HeadAt[], sites: readonly CircuitSite[]): HeadAt[] {
  const all = circuitSites(model.architecture);
  const strange = sites.find((site) => !all.includes(site));
  if (strange !== undefined)
    throw new NoticeError("site", `${strange} has no heads of a circuit; choose from ${all.join(", ")}.`);
  for (const { site, layer, head } of heads) {
    if (!sites.includes(site))
      throw new NoticeError("site", `${site} has no heads of a circuit; choose from ${sites.join(", ")}.`);
    const { tower } = parseSite(model, site);
    checkLayer(model, tower, layer);
    checkIndex("head", head, towerSize(model, tower).heads, `the ${tower} tower`);
  }
  return [...new Map(heads.map((head) => [siteHeadName(head), head])).values()];
}
