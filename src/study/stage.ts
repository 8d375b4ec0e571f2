import type { Pool } from "../pool/pool.js";
import type { StudyRun } from "./run.js";

/** The stages that compute, in their order. */
export const STAGES = ["prepare", "evaluate", "select", "screen", "patch", "verify"] as const;
/** One of the stages. */
export type StageName = (typeof STAGES)[number];

/** Hears of the progress of one stage. */
export interface StageWatch {
  /** So many samples are done. */
  update(done: number): void;
  /** It has ended, well or not. */
  end(): void;
}

/** Tells whoever waits how far a stage is. */
export interface Watch {
  /** A stage of so many samples begins; its progress is told to what this returns. */
  begin(stage: string, total: number): StageWatch;
  /** Something that was left out or repaired. */
  warn(message: string): void;
}

/** What every stage works with. */
export interface Stage {
  readonly run: StudyRun;
  readonly watch: Watch;
  /** Processes with the model, started when first asked for. */
  readonly pool: () => Promise<Pool>;
  /** Ends the stage after the samples in work; it then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A sample as the database holds it. */
export interface StoredSample {
  readonly dataset: string;
  readonly sample: string;
  readonly sample_group: string;
  readonly image: string;
  readonly corrupt_image: string | null;
  readonly question: string;
  readonly corrupt_question: string | null;
  readonly correct: string;
  readonly incorrect: string;
  readonly mask: string | null;
}

/** Names a sample in messages and exclusions. */
export const nameOf = ({ dataset, sample }: Pick<StoredSample, "dataset" | "sample">) => `${dataset}/${sample}`;

/** The items until the signal; then the source ends, so that what is in work is finished and nothing begun. */
export async function* until<Item>(items: Iterable<Item>, signal: AbortSignal | undefined): AsyncGenerator<Item> {
  for (const item of items) {
    if (signal?.aborted) return;
    yield item;
  }
}
