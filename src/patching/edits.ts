import type * as tf from "@tensorflow/tfjs-core";
import { checkList, checkObject, NoticeError } from "../base/errors.js";
import { type Network, towerOf } from "../model/architecture.js";
import type { Rewrites } from "../model/blocks/block.js";
import { blend } from "../model/kernels/values.js";
import { type Gathered, givenAt, type Patches } from "../model/pass.js";
import type { IndexPosition, Position, Question } from "./positions.js";
import { indexes } from "./run.js";
import { checkSelection, type HeadNumbers, resolvePlace, type Spot, whereSpots } from "./selection.js";
import type { HeadSite, QuestionSite, Site } from "./sites.js";
import { type Change, changeOf, checkChange } from "./sources.js";

// An edit belongs to a call: nothing is registered on a model.

/** Where in a site. */
export interface PlaceIn<S extends Site = Site> {
  readonly head?: S extends HeadSite ? HeadNumbers : undefined;
  readonly heads?: S extends HeadSite ? HeadNumbers : undefined;
  readonly position?: S extends QuestionSite ? Position : IndexPosition;
}

/** An intervention: a function of a value of the pass. `edit` makes it. */
export interface Edit<S extends Site = Site> extends PlaceIn<S> {
  readonly site: S;
  readonly layer: number;
  readonly change: Change;
}

/**
 * An intervention in a pass of `model.run` or `model.ask`.
 *
 * @param place its layer, and of its heads and positions some or all, as in a patch. What a model says after a prompt
 * is edited too where all positions are.
 * @param change from the whole value of the site, without the batch (as `run.at` gives it), to one of the same shape;
 * of that the chosen heads and positions are taken. Called once for each pass of a tower, inside a `tf.tidy`; where
 * words are said, at every step, with the tokens that it computes.
 * @throws NoticeError `options`, `site`
 * @example await blip.run({ image, question, edits: [edit("text.resid_post", { layer: 1 }, (x) => tf.mul(x, 2))] })
 */
export function edit<S extends Site>(site: S, place: PlaceIn<S> & { readonly layer: number }, change: Change): Edit<S> {
  checkObject("The place of edit", place, "{ layer: 1 }");
  checkSelection("edit", { ...place, site }, []);
  checkChange("edit", change);
  return { site, ...place, change };
}

/** Edits as replacements. */
export interface EditPatches {
  /** In the pass that reads what is given. */
  readonly first: Patches;
  /** In the passes of the tokens that a tower says, one by one. */
  readonly later: Patches;
}

/** Those in a tower. */
export const rewritesIn = ({ first, later }: EditPatches, tower: string): Rewrites => ({
  first: first[tower] ?? new Map(),
  later: later[tower] ?? new Map(),
});

/**
 * @param given the question, and how many tiles the picture has.
 * @throws NoticeError `site`, `tokens`, `options`
 */
export function resolveEdits(
  model: Network,
  edits: readonly Edit[] | undefined,
  given: { readonly question: Question; readonly tiles: number },
): EditPatches | undefined {
  if (edits === undefined) return undefined;
  checkList("edits", edits, '[edit("text.resid_post", { layer: 1 }, (value) => tf.neg(value))]');
  const resolved = edits.map((edit) => resolveEdit(model, edit, given));
  if (resolved.length === 0) return undefined;
  return {
    first: patchesOf(resolved),
    // Keys and values of what is attended to are the same at every step.
    later: patchesOf(resolved.filter(({ spot, everywhere }) => everywhere || spot.parts.tokensOf !== spot.parts.tower)),
  };
}

interface Resolved {
  readonly spot: Spot;
  readonly change: Change;
  /** At all positions, however many there are. */
  readonly everywhere: boolean;
}

function resolveEdit(
  model: Network,
  edit: Edit,
  { question, tiles }: { readonly question: Question; readonly tiles: number },
): Resolved {
  if (typeof edit?.change !== "function")
    throw new NoticeError("options", "edits are made by edit(site, place, change); one of these is none.");
  const { change, ...selection } = edit;
  checkSelection("edit", selection, []);
  const count = (name: string) => {
    const { tokens, names } = towerOf(model, name);
    return tokens === "question" ? question.ids.length : names(model.config, tiles).length;
  };
  const spot = resolvePlace({ model, question, count }, selection);
  return { spot, change, everywhere: (edit.position ?? "all") === "all" };
}

/** Those of one value one after the other: each sees what those before it made. */
function patchesOf(edits: readonly Resolved[]): Patches {
  const patches: Gathered = {};
  for (const edit of edits) {
    const { layer, parts } = edit.spot;
    const given = givenAt(patches, parts.tower, layer);
    const before = given[parts.within]?.values as ((computed: tf.Tensor) => tf.Tensor) | undefined;
    given[parts.within] = { values: (computed) => edited(edit, before?.(computed) ?? computed) };
  }
  return patches;
}

function edited({ spot, change, everywhere }: Resolved, computed: tf.Tensor): tf.Tensor {
  const { parts, layer, heads } = spot;
  const [tokens, count] = parts.isPattern ? [computed.shape[2]!, computed.shape[1]!] : computed.shape.slice(1);
  const made = changeOf(change, parts, layer, computed);
  if (everywhere && (!parts.perHead || heads.length === count)) return made;
  const here = everywhere ? { ...spot, tokens: indexes(tokens!) } : spot;
  return blend(computed, made, whereSpots([[here]], parts, { tokens: tokens!, heads: count! }));
}
