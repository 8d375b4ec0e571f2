import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import type { Network } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { Answers } from "./metrics.js";
import type { Pair } from "./pair.js";
import { type Position, type PositionAt, type Question, resolvePosition, tokenedAt } from "./positions.js";
import { checkIndex, checkLayer, countOf, headCount, indexes } from "./run.js";
import { type HeadSite, parseSite, type Site, type SiteParts } from "./sites.js";

// What is patched or edited: a site in a layer, of its heads and positions some or all.

/**
 * What is taken from one pass and put into the other: a site in a layer, of its heads one, several, or all (the
 * default), of its positions all by default.
 */
export type Selection<A extends ArchitectureName = ArchitectureName, S extends Site<A> = Site<A>> = {
  readonly layer: number;
} & HeadsAt<A, S> &
  PositionAt<A, S>;

type HeadsAt<A extends ArchitectureName, S extends Site<A>> =
  | { readonly site: S & HeadSite<A>; readonly head?: HeadNumbers; readonly heads?: HeadNumbers }
  | { readonly site: S; readonly head?: undefined; readonly heads?: undefined };

/** One head or several; `head` and `heads` are two names of one thing. */
export type HeadNumbers = number | readonly number[];

/** A selection before it is known what goes with what. */
export interface UncheckedSelection {
  readonly site: string;
  readonly layer: number;
  readonly head?: HeadNumbers;
  readonly heads?: HeadNumbers;
  readonly position?: Position;
}

export const PLACE_KEYS = keysOf<UncheckedSelection>({
  site: true,
  layer: true,
  head: true,
  heads: true,
  position: true,
});

/** @throws NoticeError `options` for a key that no place has; `site` where heads are named twice. */
export function checkSelection(of: string, selection: unknown, options: readonly string[]): void {
  const such = '{ site: "text.cross.z", layer: 0 }';
  checkShape(`a place of ${of}`, selection, { such, keys: PLACE_KEYS, later: options });
}

/** A selection as indices; `heads` is empty where the site has none. */
export interface Spot {
  readonly parts: SiteParts;
  readonly layer: number;
  readonly heads: readonly number[];
  readonly tokens: readonly number[];
}

/** The heads that a selection names, if it names any. */
export function headsOf({ head, heads }: Pick<UncheckedSelection, "head" | "heads">): readonly number[] | undefined {
  if (head !== undefined && heads !== undefined)
    throw new NoticeError("site", "head and heads are two names of one thing; give one of the two.");
  const named = head ?? heads;
  if (named === undefined || typeof named === "number") return named === undefined ? undefined : [named];
  if (!Array.isArray(named))
    throw new NoticeError("site", `head is ${JSON.stringify(named)}; a number was expected, or several: [0, 2].`);
  return [...new Set(named)];
}

/** What places are looked up in. */
interface Ground {
  readonly model: Network;
  readonly question?: Question;
  readonly answers?: Answers;
  /** How many positions a tower has. */
  count(tower: string): number;
}

/** Checks a selection against a pair. */
export function resolveSelection(pair: Pair, selection: UncheckedSelection): Spot {
  const { model, question, answers, clean } = pair;
  const count = (tower: string) => countOf(clean.activations, tower);
  return resolvePlace({ model, question, answers, count }, selection);
}

/** Checks a selection against a model and what it is given. @throws NoticeError `site`, `tokens` */
export function resolvePlace(ground: Ground, selection: UncheckedSelection): Spot {
  const { model } = ground;
  const { site, layer, position = "all" } = selection;
  const named = headsOf(selection);
  const parts = parseSite(model, site);
  checkLayer(model, parts.tower, layer);
  const count = headCount(model, parts);
  if (named && !parts.perHead)
    throw new NoticeError("site", `${site} has no heads; leave head out, or patch ${parts.tower}.self.z.`);
  const all = indexes(parts.perHead ? count : 0);
  const heads = named ?? all;
  for (const index of heads) checkIndex("head", index, count, `the ${parts.tower} tower`);
  if (parts.perHead && heads.length === 0) throw new NoticeError("site", "An empty set of heads patches nothing.");
  const of = tokenedAt(parts.tokens, ground.question);
  const tokens = resolvePosition(position, ground.count(parts.tokensOf), of, ground.answers);
  return { parts, layer, heads, tokens };
}

/** How many tokens a site has in this pair. */
export function tokenCount({ clean }: Pair, { tokensOf }: SiteParts): number {
  return countOf(clean.activations, tokensOf);
}

/** How many tokens and heads a site has. */
interface Room {
  readonly tokens: number;
  readonly heads: number;
}

export const roomOf = (pair: Pair, parts: SiteParts): Room => ({
  tokens: tokenCount(pair, parts),
  heads: headCount(pair.model, parts),
});

/**
 * 1 at the spots of each row: [row, token, head, 1], [row, head, query, 1] for a pattern, [row, token, 1] without
 * heads.
 */
export function whereSpots(
  batch: readonly (readonly Spot[])[],
  { perHead, isPattern }: SiteParts,
  { tokens, heads }: Room,
): tf.Tensor {
  const [first, second] = isPattern ? [heads, tokens] : [tokens, heads];
  const inner = perHead ? second : 1;
  const where = new Float32Array(batch.length * first * inner);
  batch.forEach((spots, row) => {
    for (const { heads, tokens } of spots)
      for (const token of tokens)
        if (!perHead) where[row * first + token] = 1;
        else
          for (const head of heads)
            where[(row * first + (isPattern ? head : token)) * inner + (isPattern ? token : head)] = 1;
  });
  return tf.tensor(where, perHead ? [batch.length, first, inner, 1] : [batch.length, first, 1]);
}
