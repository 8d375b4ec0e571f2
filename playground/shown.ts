import type { Picture } from "../src/pictures/picture.js";

// What page and worker tell each other, in plain data.

/** A pair as it is asked. */
export interface PairGiven {
  readonly image: Picture;
  readonly corruptImage: Picture;
  readonly question: string;
  readonly answers: [correct: string, incorrect: string];
  /** Where a head is looked at first, where that is not the word of the right answer. */
  readonly answerPlace?: string;
}

/** What the model says of it. */
export interface PairFound {
  readonly says: Readonly<Record<"clean" | "corrupted", string>>;
  /** Both begin alike. */
  readonly same: boolean;
  readonly tokens: readonly string[];
  /** Which of them are the picture's, of a model that has it among its words. */
  readonly imageTokens: readonly number[];
  /** Which of them stand around what was asked, of a model that is talked to in turns. */
  readonly frameTokens: readonly number[];
  /** From which a head is looked at first. */
  readonly token: number | undefined;
  readonly readings: Readonly<Record<"clean" | "corrupted", { readonly prob: number; readonly logitDiff: number }>>;
  /** The two answers that were given, and others that are likely in one of the runs. */
  readonly top: readonly AnswerProbs[];
}

export interface AnswerProbs {
  readonly id: number;
  readonly text: string;
  readonly clean: number;
  readonly corrupted: number;
}

/** Through which heads of an attention a head's effect goes. */
export interface PathMap {
  readonly site: string;
  /** What looks at what. */
  readonly says: string;
  /** [layer][head]; null where no path leads. */
  readonly effects: readonly (readonly (number | null)[])[];
}

/**
 * What stands in the place of a head's values: where it is switched off in the clean run, or, `clean`, where it is
 * patched into the corrupted run.
 */
export const HOWS = ["zero", "mean", "corrupted", "clean"] as const;
export type How = (typeof HOWS)[number];

/** Whether a GPU is used: one that computes as wasm does, none, or also one that is a program. */
export const GPUS = ["auto", "wasm", "webgpu"] as const;
export type GpuChoice = (typeof GPUS)[number];
