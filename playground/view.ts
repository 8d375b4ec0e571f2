import type { HeadPlace } from "../src/patching/head-place.js";
import type { Comparison } from "../src/study/compared.js";
import type { OfferedModel } from "./offered.js";
import type { PairFound, PairGiven } from "./shown.js";
import type { State } from "./state.js";
import type { Works } from "./worker.js";

// What the page shows.

/** [layer][head][token]; layers that have not been swept are missing. */
export type Effects = readonly (readonly (readonly (number | null)[])[] | undefined)[];

export type HeadAtToken = HeadPlace & { readonly token: number };
export type Looked = Awaited<ReturnType<Works["look"]>> & { readonly at: HeadAtToken };
export type PathsFound = Awaited<ReturnType<Works["paths"]>> & { readonly at: HeadAtToken };
export type CircuitFound = Awaited<ReturnType<Works["circuit"]>>;
export type ModelFacts = Awaited<ReturnType<Works["open"]>>;

/** A pair as one model takes it, and what was found of it there. */
export interface Side {
  readonly facts?: ModelFacts | undefined;
  readonly given: PairGiven;
  readonly found?: PairFound | undefined;
  readonly effects: Effects;
  readonly looked?: Looked | undefined;
  /** The head that is looked at, and from which token. */
  readonly selected?: HeadPlace | undefined;
  readonly token?: number | undefined;
}

/** How far a model is loaded. */
export interface Loading {
  readonly done: number;
  readonly of: number;
  /** Why it is no longer there. */
  readonly lost?: string | undefined;
}

/** A second model. */
export interface Beside extends Side, Loading {
  readonly name: string;
}

/** What takes long and can be cancelled. */
export type Work = "sweep" | "circuit" | "paths" | "both" | "compare";

export interface View {
  readonly state: State;
  readonly given: PairGiven;
  /** Which pictures are the reader's own. */
  readonly own: Partial<Record<"image" | "corruptImage", boolean>>;
  readonly model: Loading & { readonly facts?: ModelFacts };
  readonly found?: PairFound | undefined;
  readonly effects: Effects;
  readonly looked?: Looked | undefined;
  /** The answers' probabilities with heads switched off, and what is left of the answer. */
  readonly after?: Awaited<ReturnType<Works["intervene"]>> | undefined;
  readonly circuit?: CircuitFound | undefined;
  /** What is going on. */
  readonly busy?: Work | undefined;
  /** How much of it is done. */
  readonly done?: number;
  readonly paths?: PathsFound | undefined;
  /** The sets of switched-off heads before this one. */
  readonly past: readonly (readonly HeadPlace[])[];
  /** The page's own model, then those that can stand beside it. */
  readonly models: readonly OfferedModel[];
  readonly beside?: Beside | undefined;
  readonly comparison?: Comparison | undefined;
  /** A word on what happened, read aloud by screen readers. */
  readonly said: string;
}

/** What was found of the first scene before anybody asked. */
export interface Example {
  readonly found: PairFound;
  readonly effects: Effects;
  readonly looked: Looked;
}

/** What the page's own model finds. */
export function sideOf({ state: { selected, token }, model: { facts }, given, found, effects, looked }: View): Side {
  return { facts, given, found, effects, looked, selected, token };
}

/** As a sentence calls the page's own model. */
export const ownName = ({ models }: View): string => models[0]?.name ?? "the page's model";
