import type { Random } from "../../src/base/random.js";

/** What came of a case that found nothing: what was given was taken, or refused by a NoticeError. */
export type Outcome = "taken" | "refused";

/** One kind of input that is mutated. */
export interface Kind {
  readonly name: string;
  /** Of 1,000 cases. Dear kinds have few. */
  readonly share: number;
  /** Makes, once before all cases, what they share on disk. */
  readonly prepare?: (folder: string) => Promise<void>;
  /**
   * Makes, in a process, what its cases share.
   *
   * @param shared the folder that `prepare` filled.
   */
  readonly open: (shared: string) => Promise<Cases>;
}

/** Does one case: what it throws, and is no NoticeError, is a finding. */
export interface Cases {
  readonly run: (choose: Random) => Promise<Outcome>;
  readonly close?: () => Promise<void>;
}

/** A case's own stream: nothing else decides what it does. */
export const keysOf = (seed: number, kind: string, number: number) => [seed, kind, number] as const;
