import type { Store } from "../store.js";
import type { Group } from "./scores.js";

// What tests of circuits found.

/** What a test's result is stored under. */
export interface ResultKey extends Group {
  readonly sample: string;
  readonly reading: string;
}

/** Every result there is. */
export const testedPairs = (store: Store): Promise<ResultKey[]> =>
  store.rows("SELECT dataset, sample, modality, reading FROM verified");

/** Figures of a test on one sample. */
export interface TestFigures extends Readonly<Record<"kept" | "removed" | "cpr" | "cmd", number>> {
  readonly random: readonly number[];
  readonly curve: readonly number[];
}

export const testFigures = (
  store: Store,
  { dataset, modality, reading }: Omit<ResultKey, "sample">,
): Promise<TestFigures[]> =>
  store.rows(
    `SELECT kept, removed, random, curve, cpr, cmd FROM verified
     WHERE dataset = $1 AND modality = $2 AND reading = $3 AND kept IS NOT NULL ORDER BY sample`,
    [dataset, modality, reading],
  );
