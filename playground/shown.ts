import type { Picture } from "../src/pictures/picture.js";

// What page and worker tell each other, in plain data.

/** A pair as it is asked. */
export interface PairGiven {
  readonly image: Picture;
  readonly corruptImage: Picture;
  readonly question: string;
  readonly answers: [correct: string, incorrect: string];
}

/** What the model says of it. */
export interface PairFound {
  readonly says: Readonly<Record<"clean" | "corrupted", string>>;
  /** Both begin alike. */
  readonly same: boolean;
  readonly tokens: readonly string[];
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

/** What stands in the place of a head's values where it is switched off. */
export const HOWS = ["zero", "mean", "corrupted"] as const;
export type How = (typeof HOWS)[number];
