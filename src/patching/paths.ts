import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerOf, towersOf, upstreamOf } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { BlockGiven, BlockSite } from "../model/blocks/block.js";
import { blend } from "../model/kernels/values.js";
import { type Patches, resume } from "../model/pass.js";
import type { Score } from "./metrics.js";
import { checkPair, type Pair } from "./pair.js";
import { checkPatchOptions, type PatchOptions, scorePasses } from "./patch.js";
import { checkPaths, type End, isPath, READ, reads, receives } from "./reach.js";
import type { Run } from "./run.js";
import {
  checkSelection,
  resolveSelection,
  roomOf,
  type Selection,
  type Spot,
  type UncheckedSelection,
  whereSpots,
} from "./selection.js";
import type { ReadSite, Site } from "./sites.js";
import { fromRun, type Source, valuesFrom } from "./sources.js";

// Two passes in one batch: row 0 is without the sender's patch, row 1 with it. Receivers read row 1, all other heads
// row 0, and what heads write goes to both rows. No difference is ever added to a stream, because BLIP's text towers
// normalise after each sum, where differences do not add up.

/** Where a path begins: any value that a layer writes. */
export type Sender<A extends ArchitectureName = ArchitectureName> = Selection<
  A,
  Exclude<Site<A>, ReadSite<A> | `${string}.pattern`>
>;

/** Where a path ends: the queries, keys or values of heads, a layer's input (`resid_pre`), or the readout. */
export type Receiver<A extends ArchitectureName = ArchitectureName> =
  | Selection<A, ReadSite<A> | Extract<Site<A>, `${string}.resid_pre`>>
  | "answer";

/** Which way a path is patched, and what belongs to it. */
export interface PathOptions extends PatchOptions {
  /**
   * Let the heads between sender and receiver respond too. Default: only the direct paths count, along the stream and
   * through its LayerNorms and MLPs.
   */
  readonly mediated?: boolean;
}

/**
 * Patches only the paths from senders to receivers: path patching (Wang et al. 2211.00593; Goldowsky-Dill et al.
 * 2304.05969). The model runs again, in all towers and from one to the next.
 *
 * Between towers a path leads through keys and values of cross-attention, or with the picture's rows among the words.
 * Paths to all that a sender reaches together equal the plain patch.
 *
 * @throws NoticeError `site` where a place is not there or cannot send or receive, or where no path leads from a sender
 * or to a receiver (`hasPath`); `options` where there are none.
 * @example
 * await patchPath(pair, [{ site: "text.cross.z", layer: 0, head: 1 }], [{ site: "text.self.q", layer: 2, head: 3 }])
 */
export async function patchPath<A extends ArchitectureName>(
  pair: Pair<A>,
  senders: readonly Sender<A>[],
  receivers: readonly Receiver<A>[],
  options?: PathOptions,
): Promise<Score>;
export async function patchPath(
  pair: Pair,
  senders: readonly UncheckedSelection[],
  receivers: readonly (UncheckedSelection | "answer")[],
  options: PathOptions = {},
): Promise<Score> {
  checkPatchOptions("patchPath", options, ["mediated"]);
  const { direction = "denoise", source, mediated = false } = options;
  checkPair(pair);
  for (const ends of [senders, receivers])
    if (!Array.isArray(ends) || ends.length === 0)
      throw new NoticeError(
        "options",
        "A path leads from somewhere to somewhere: give senders and receivers, as lists.",
      );
  for (const place of [...senders, ...receivers])
    if (place !== "answer") checkSelection("patchPath", place, ["direction", "source", "mediated"]);
  const [from, ends] = [senders.map((place) => senderOf(pair, place)), receivers.map((place) => endOf(pair, place))];
  checkPaths(pair, from, ends, mediated);
  const to = ends.filter((end) => end !== "answer");
  const values = source ?? fromRun(pair.sides(direction).source);
  const told = receivers.includes("answer") ? 1 : 0;
  const pass = function* (base: Run) {
    const logits = yield* resume(pair.model, base.activations, pathPatches(pair, from, to, values, mediated));
    return tf.slice(logits, [told, 0], [1, -1]);
  };
  const [score] = await scorePasses(pair, pass, { direction });
  return score!;
}

function senderOf(pair: Pair, place: UncheckedSelection): Spot {
  const spot = resolveSelection(pair, place);
  const { site, within, isPattern } = spot.parts;
  if (reads(within) || isPattern)
    throw new NoticeError("site", `${site} is read, not written: senders are z, out, mlp.* or resid_*.`);
  return spot;
}

function endOf(pair: Pair, place: UncheckedSelection | "answer"): End {
  if (place === "answer") return place;
  const spot = resolveSelection(pair, place);
  if (!receives(spot.parts.within))
    throw new NoticeError("site", `${spot.parts.site} cannot receive: receivers are q, k, v, resid_pre or answer.`);
  return spot;
}

/**
 * Whether there is a path from a sender to a receiver, so that `patchPath` does not refuse it: for tables of many.
 *
 * @throws NoticeError as `patchPath`
 * @example hasPath(pair, { site: "text.cross.z", layer: 1 }, { site: "text.self.q", layer: 0 }) // false
 */
export function hasPath<A extends ArchitectureName>(
  pair: Pair<A>,
  sender: Sender<A>,
  receiver: Receiver<A>,
  options?: Pick<PathOptions, "mediated">,
): boolean;
export function hasPath(
  pair: Pair,
  sender: UncheckedSelection,
  receiver: UncheckedSelection | "answer",
  options: Pick<PathOptions, "mediated"> = {},
): boolean {
  checkShape("hasPath", options, { such: "{ mediated: true }", keys: ["mediated"] });
  checkPair(pair);
  for (const place of [sender, receiver]) if (place !== "answer") checkSelection("hasPath", place, ["mediated"]);
  return isPath(pair, senderOf(pair, sender), endOf(pair, receiver), options.mediated ?? false);
}

/** From a value's rows to what they become. */
type Rewrite = (computed: tf.Tensor) => tf.Tensor;

function pathPatches(
  pair: Pair,
  senders: readonly Spot[],
  receivers: readonly Spot[],
  source: Source,
  mediated: boolean,
): Patches {
  const { model } = pair;
  const patches: Record<string, Map<number, BlockGiven>> = {};
  for (const [tower, one] of towersOf(model)) {
    const own = senders.filter(({ parts }) => parts.tower === tower);
    const upstream = upstreamOf(one);
    const follows = upstream !== undefined && patches[upstream] !== undefined;
    if (!follows && own.length === 0) continue;
    const from = follows ? 0 : Math.min(...own.map(({ layer }) => layer));
    const layers = new Map<number, BlockGiven>();
    patches[tower] = layers;
    for (let layer = from; layer < one.size(model.config).layers; layer++) {
      const here = (spots: readonly Spot[]) =>
        spots.filter((spot) => spot.parts.tower === tower && spot.layer === layer);
      layers.set(layer, layerRewrites(pair, tower, here(senders), here(receivers), source, mediated));
    }
  }
  return patches;
}

function layerRewrites(
  pair: Pair,
  tower: string,
  senders: readonly Spot[],
  receivers: readonly Spot[],
  source: Source,
  mediated: boolean,
): BlockGiven {
  const read = READ.filter((within) => towerOf(pair.model, tower).sites.includes(within));
  const given: { [site in BlockSite]?: { values: Rewrite } } = {};
  const at = (spots: readonly Spot[], within: BlockSite) => spots.filter(({ parts }) => parts.within === within);
  for (const within of new Set([...read, ...[...senders, ...receivers].map(({ parts }) => parts.within)])) {
    const heard = hear(pair, at(receivers, within), within, mediated);
    const told = tell(pair, at(senders, within), source);
    given[within] = { values: (computed) => told(heard(computed)) };
  }
  return given;
}

/** Row 0 takes row 1's value at receivers. Heads then read one value for both rows, unless heads in between respond. */
function hear(pair: Pair, receivers: readonly Spot[], within: BlockSite, mediated: boolean): Rewrite {
  return (computed) => {
    if (computed.shape[0] === 1 || (receivers.length === 0 && !reads(within))) return computed;
    const [unaware, aware] = tf.split(computed, 2) as [tf.Tensor, tf.Tensor];
    const { parts } = receivers[0] ?? {};
    const heard = parts ? blend(unaware, aware, whereSpots([receivers], parts, roomOf(pair, parts))) : unaware;
    return reads(within) && !mediated ? heard : tf.concat([heard, aware]);
  };
}

/** Row 1 gets the source's value where a sender stands; row 0 stays. */
function tell(pair: Pair, senders: readonly Spot[], source: Source): Rewrite {
  if (senders.length === 0) return (computed) => computed;
  const { parts, layer } = senders[0]!;
  return (computed) => {
    const rows = tf.split(computed, computed.shape[0]);
    const aware = rows.at(-1)!;
    const where = whereSpots([senders], parts, roomOf(pair, parts));
    const told = blend(aware, valuesFrom(source, parts, layer, aware), where);
    return tf.concat([rows[0]!, told]);
  };
}
