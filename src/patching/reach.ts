import { either, NoticeError } from "../base/errors.js";
import { type Network, towerOf, towersOf } from "../model/architecture.js";
import type { BlockSite } from "../model/blocks/block.js";
import type { Pair } from "./pair.js";
import { countOf, indexes, keyCount } from "./run.js";
import type { Spot } from "./selection.js";
import { parseSite, sitesOf } from "./sites.js";

// Where a value can lead at all: what a change of it would change, position by position, followed through the towers
// without their weights. Along the stream a position stays itself; attention mixes positions, but only where heads
// respond.

/** Where a path ends. */
export type End = Spot | "answer";

/** Of each position, whether the sender's value changes what stands there. */
type Touched = readonly boolean[];

/** What a sender's value changes: a site before the sender itself has written there. */
interface Reach {
  at(end: Omit<Spot, "heads" | "tokens">): Touched;
  readonly answer: boolean;
}

export const READ: readonly BlockSite[] = ["self.q", "self.k", "self.v", "cross.q", "cross.k", "cross.v"];

/** Queries, keys and values are read from the stream; all else is written. */
export const reads = (within: BlockSite) => READ.includes(within);

/** Where paths can end: what heads read, and a layer's input. */
export const receives = (within: BlockSite) => reads(within) || within === "resid_pre";

/** Whether `checkPaths` accepts a path from one sender to one receiver. @param mediated by heads between them too */
export const isPath = (pair: Pair, sender: Spot, end: End, mediated: boolean): boolean =>
  goesThrough(pair, reachOf(pair, sender, mediated), end);

/** @throws NoticeError `site` where a receiver has no sender whose path goes through it, or a sender no receiver. */
export function checkPaths(pair: Pair, senders: readonly Spot[], ends: readonly End[], mediated: boolean): void {
  const reaches = senders.map((sender) => reachOf(pair, sender, mediated));
  const lost = ends.find((end) => !reaches.some((reach) => goesThrough(pair, reach, end)));
  if (lost !== undefined) throw noPath(pair, senders[0]!, lost, mediated);
  const idle = senders.find((_, i) => !ends.some((end) => goesThrough(pair, reaches[i]!, end)));
  if (idle !== undefined) throw noPath(pair, idle, ends[0]!, mediated);
}

/** Whether what is touched at a path's end leads on to the answer, as all that comes after a receiver responds. */
function goesThrough(pair: Pair, reach: Reach, end: End): boolean {
  if (end === "answer") return reach.answer;
  const tokens = met(reach, end);
  return tokens.length > 0 && reachOf(pair, { ...end, tokens }, true).answer;
}

const met = (reach: Reach, end: Spot): readonly number[] => {
  const touched = reach.at(end);
  return end.tokens.filter((token) => touched[token]);
};

function reachOf(pair: Pair, sender: Spot, mediated: boolean): Reach {
  const { model, clean } = pair;
  const ends: Record<string, Touched> = {};
  const reached = new Map<string, Touched>();
  for (const [name, { attends, size }] of towersOf(model)) {
    let stream = begun(pair, name, ends);
    const context = attends ? ends[attends.tower]! : [];
    for (let layer = 0; layer < size(model.config).layers; layer++) {
      const given = sender.parts.tower === name && sender.layer === layer ? sender : undefined;
      const through = { pair, name, context, mediated, given };
      stream = throughBlock(through, stream, (within, touched) => reached.set(`${name}.${within} ${layer}`, touched));
    }
    ends[name] = stream;
  }
  const { tower, token = "last" } = model.architecture.readout;
  const answer = ends[tower]![token === "first" ? 0 : countOf(clean.activations, tower) - 1]!;
  return { at: ({ parts, layer }) => reached.get(`${parts.site} ${layer}`)!, answer };
}

/** What of a tower's first input is touched: the rows of another tower that it takes among its own. */
function begun({ model, clean }: Pair, name: string, ends: Readonly<Record<string, Touched>>): Touched {
  const { takes } = towerOf(model, name);
  const touched = indexes(countOf(clean.activations, name)).map(() => false);
  const places = clean.activations.places ?? [];
  if (takes)
    for (const [token, changed] of ends[takes.tower]!.entries()) {
      const place = places[takes.rowOf(model.config, token) ?? -1];
      if (changed && place !== undefined) touched[place] = true;
    }
  return touched;
}

interface Through {
  readonly pair: Pair;
  /** The tower's. */
  readonly name: string;
  /** What is touched of the rows that cross-attention attends to. */
  readonly context: Touched;
  readonly mediated: boolean;
  /** The sender, in its own layer. */
  readonly given: Spot | undefined;
}

/** What is touched of a block's output. @param seen is told each site. */
function throughBlock(through: Through, x: Touched, seen: (within: BlockSite, touched: Touched) => void): Touched {
  const { pair, name, context, mediated, given } = through;
  const nowhere = x.map(() => false);
  let stream = x;
  let written: Touched = nowhere;
  let [q, k, v]: Touched[] = [nowhere, nowhere, nowhere];
  const computed = (sublayer: string, value: string | undefined): Touched => {
    if (value === undefined) return both(stream, written);
    if (value === "q" || value === "pre") return stream;
    if (value === "k" || value === "v") return sublayer === "cross" ? context : stream;
    if (value === "z") return mediated ? attended(pair, name, sublayer, { q: q!, k: k!, v: v! }) : nowhere;
    return written;
  };
  for (const within of towerOf(pair.model, name).sites) {
    const [sublayer, value] = within.split(".") as [string, string | undefined];
    const before = computed(sublayer, value);
    seen(within, before);
    const sends = given?.parts.within === within;
    const touched = sends ? before.map((is, token) => is || given.tokens.includes(token)) : before;
    if (value === undefined) [stream, written] = [touched, nowhere];
    else if (value === "q") q = touched;
    else if (value === "k") k = touched;
    else if (value === "v") v = touched;
    else written = touched;
  }
  return stream;
}

const both = (one: Touched, other: Touched): Touched => one.map((is, token) => is || other[token]!);

/**
 * What is touched of what heads write: from values to the queries that attend to them, from queries and keys where
 * there is more than one key to choose from.
 */
function attended(
  { model, clean }: Pair,
  name: string,
  sublayer: string,
  { q, k, v }: Readonly<Record<"q" | "k" | "v", Touched>>,
): Touched {
  const { causal } = towerOf(model, name);
  const size = sublayer === "cross" ? v.length : keyCount(model, clean.activations, name);
  return q.map((is, token) => {
    const first = sublayer === "cross" ? 0 : token - (token % size); // of its tile
    const [from, to] = [first, sublayer === "self" && causal ? token + 1 : first + size];
    const chosen = to - from > 1 && (is || k.slice(from, to).includes(true));
    return chosen || v.slice(from, to).includes(true);
  });
}

/** Why there is no path, and where paths lead. */
function noPath(pair: Pair, sender: Spot, end: End, mediated: boolean): NoticeError {
  const [from, to] = [nameOf(sender), end === "answer" ? end : nameOf(end)];
  const kind = mediated ? "path" : "direct path";
  return new NoticeError(
    "site",
    `No ${kind} leads from ${from} to ${to}: ${why(pair, sender, end, mediated)} ${waysFrom(pair, sender, mediated)}`,
  );
}

const nameOf = ({ parts, layer }: Pick<Spot, "parts" | "layer">) => `${parts.site} in layer ${layer}`;

function why(pair: Pair, sender: Spot, end: End, mediated: boolean): string {
  if (!mediated && isPath(pair, sender, end, true))
    return "only heads between them carry it there. Let these respond too (the option mediated, --mediated of notice path), or end the path at one of them.";
  if (end === "answer") return "what it writes at these positions is not read.";
  const reach = reachOf(pair, sender, mediated);
  if (met(reach, end).length > 0) return "what is read at the positions that it reaches leads to no answer.";
  if (reach.at(end).includes(true))
    return `not at these positions. ${mediated ? "A token sees only earlier ones" : "A direct path stays at its position"}.`;
  return isBefore(pair.model, end, sender)
    ? `${end.parts.site} is computed first. A receiver comes after its sender.`
    : `${end.parts.site} is not made of it.`;
}

/** Whether a site of a layer is computed no later than another. */
function isBefore({ architecture }: Network, one: Spot, other: Spot): boolean {
  const sites = sitesOf(architecture);
  const towers = Object.keys(architecture.towers);
  const rank = ({ parts, layer }: Spot) => [towers.indexOf(parts.tower), layer, sites.indexOf(parts.site)] as const;
  const [first, second] = [rank(one), rank(other)];
  const differs = first.findIndex((is, i) => is !== second[i]);
  return differs < 0 || first[differs]! < second[differs]!;
}

/** Where paths from a sender end: sites by their layers. */
function waysFrom(pair: Pair, sender: Spot, mediated: boolean): string {
  const { model } = pair;
  const reach = reachOf(pair, sender, mediated);
  const ways = new Map<string, string[]>();
  for (const parts of sitesOf(model.architecture).map((site) => parseSite(model, site))) {
    if (!receives(parts.within)) continue;
    const whole = { parts, heads: [], tokens: indexes(countOf(pair.clean.activations, parts.tokensOf)) };
    const layers = indexes(towerOf(model, parts.tower).size(model.config).layers).filter((layer) =>
      goesThrough(pair, reach, { ...whole, layer }),
    );
    if (layers.length === 0) continue;
    const [first, last] = [layers[0], layers.at(-1)];
    const named = first === last ? `layer ${first}` : `layers ${first} to ${last}`;
    ways.set(named, [...(ways.get(named) ?? []), parts.site]);
  }
  const ends = [...ways].map(([layers, sites]) => `${either(sites)} in ${layers}`);
  if (reach.answer) ends.push("answer");
  return ends.length === 0
    ? "No such path from there leads anywhere."
    : `Such paths from there lead to ${ends.join("; ")}.`;
}
