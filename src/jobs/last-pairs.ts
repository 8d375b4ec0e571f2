import type { PairInput } from "../patching/inputs.js";
import { tensorsIn } from "../patching/kept-values.js";
import type { Model } from "../patching/model.js";
import type { Pair } from "../patching/pair.js";

/** The pairs that a model keeps take no more bytes than this, nor than this share of its memory. */
const MOST_BYTES = 128 * 1024 * 1024;
const SHARE = 1 / 8;

interface Kept {
  readonly pair: Pair;
  readonly bytes: number;
}

const KEPT = new WeakMap<Model, Map<string, Kept>>();

/**
 * Does something with a pair that may be asked for again soon: a search for circuits goes through the same samples in
 * every round, and making a pair takes as long as trying 40 sets of heads on it. The model keeps the last pairs of
 * picture files until `forgetPairs`.
 *
 * @throws what `Model.pair` and `use` throw.
 */
export async function withPair<Result>(
  model: Model,
  input: PairInput,
  use: (pair: Pair) => Promise<Result>,
): Promise<Result> {
  if (typeof input.image !== "string" || typeof (input.corruptImage ?? "") !== "string") {
    using pair = await model.pair(input);
    return await use(pair);
  }
  const kept = KEPT.get(model) ?? new Map<string, Kept>();
  KEPT.set(model, kept);
  const name = JSON.stringify(input);
  const pair = kept.get(name)?.pair ?? (await model.pair(input));
  // Nobody frees what is in use.
  kept.delete(name);
  try {
    return await use(pair);
  } finally {
    kept.get(name)?.pair[Symbol.dispose]();
    kept.set(name, { pair, bytes: bytesOf(pair) });
    forgetOldest(kept, Math.min(MOST_BYTES, SHARE * (model.memory ?? Number.POSITIVE_INFINITY)));
  }
}

/** Frees all pairs that a model keeps. */
export function forgetPairs(model: Model): void {
  forgetOldest(KEPT.get(model) ?? new Map<string, Kept>(), -1);
}

function forgetOldest(kept: Map<string, Kept>, most: number): void {
  let left = [...kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  for (const [name, { pair, bytes }] of kept) {
    if (left <= most) return;
    left -= bytes;
    kept.delete(name);
    pair[Symbol.dispose]();
  }
}

/** What both passes share is counted once. */
function bytesOf({ clean, corrupted }: Pair): number {
  const tensors = new Set([clean, corrupted].flatMap(tensorsIn));
  return [...tensors].reduce((sum, { size }) => sum + 4 * size, 0);
}
