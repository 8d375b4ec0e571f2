import { NoticeError } from "../../base/errors.js";
import type { HeadAt } from "../head-place.js";
import type { Metric } from "../metrics.js";

/** A number for each head in each sample, [sample][head]; null where there is none. */
export type HeadTable = readonly (readonly (number | null)[])[];

/** What circuits are found from: what patches did in some samples, and what sets of heads keep in them. */
export interface Evidence {
  /** All heads there are to choose from; sets are lists of indexes in it. */
  readonly heads: readonly HeadAt[];
  /** What patching a head at the token does at which circuits are read. */
  readonly scores: Readonly<Record<Metric, HeadTable>>;
  /** The `effect` of a head over all tokens. */
  readonly effects: HeadTable;
  /** What gradients expect of it, likewise. */
  readonly attributions?: HeadTable;
  /** `prob` as the authors' notebook reads it; without, nothing is found as published. */
  readonly published?: HeadTable;
  /** False: the score is an estimate, and the head in no circuit that needs exact ones. Default: all patched. */
  readonly patched?: readonly boolean[];
  /** By which the study's own circuits are found. Default: `effect`. */
  readonly metric?: Metric;
  /** False discovery rate. Default 0.05. */
  readonly rate?: number;
  /** Of random choices. Default 0. */
  readonly seed?: number;
  /** What each set keeps of the answer where all other heads are corrupted: the mean over the samples. */
  keep(sets: readonly HeadSet[]): Promise<readonly number[]>;
}

/** Heads by their indexes, each once. */
export type HeadSet = readonly number[];

/** What a rule finds. */
export interface Ruled {
  /** In the circuit, the strongest first. */
  readonly circuit: HeadSet;
  /** All heads in the rule's order, the strongest first. */
  readonly ranked: HeadSet;
}

/** How a circuit is read off evidence. */
export interface Rule {
  /** In half a line. */
  readonly about: string;
  /** Undefined where the evidence lacks what the rule needs. */
  find(evidence: Evidence): Promise<Ruled | undefined> | Ruled | undefined;
}

/** A set that keeps so much of the answer on the samples that it is found on is enough. */
export const FOUND_ENOUGH = 0.9;

/** The samples of which every head has a number. @throws NoticeError `options` where a row has other heads. */
export function wholeRows(table: HeadTable, heads: number): number[][] {
  for (const row of table)
    if (row.length !== heads)
      throw new NoticeError("options", `A sample has scores of ${row.length} heads; ${heads} were expected.`);
  return table.filter((row): row is number[] => !row.includes(null)).map((row) => [...row]);
}

/** Indexes in the order of their sizes, the largest first; of equal ones the earlier. */
export const bySize = (sizes: readonly number[]): number[] =>
  sizes.map((_, at) => at).sort((a, b) => sizes[b]! - sizes[a]! || a - b);

/** The mean of each column of |rows|, or of the rows with their signs. */
export function columnMeans(rows: readonly (readonly number[])[], signed = false): number[] {
  const columns = rows[0]?.length ?? 0;
  return Array.from({ length: columns }, (_, at) => {
    const sum = rows.reduce((total, row) => total + (signed ? row[at]! : Math.abs(row[at]!)), 0);
    return sum / rows.length;
  });
}
