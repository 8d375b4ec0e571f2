import type { NoticeError } from "../base/errors.js";
import { namesOf } from "../base/options.js";
import type { Executor, Outcome } from "../executors/executor.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { StoredSample } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Shard } from "./shard.js";
import type { Store } from "./store.js";
import type { Row, Table } from "./tables.js";

/** The stages that compute, in their order. */
export const STAGES = ["prepare", "evaluate", "select", "screen", "patch", "verify", "rules"] as const;
/** One of the stages. */
export type StageName = (typeof STAGES)[number];

/** Receives the progress of one stage. */
export interface StageWatch {
  /** Called with the number of samples done so far. */
  update(done: number): void;
  /** Called when the stage has ended, also after an error. */
  end(): void;
}

/** Receives the progress and the warnings of stages. */
export interface Watch {
  /** A stage of `total` samples begins. Its progress goes to the returned object. */
  begin(stage: string, total: number): StageWatch;
  /** Reports something that was left out or repaired. */
  warn(message: string): void;
}

/** What every stage works with. */
export interface Stage {
  readonly run: StudyRun;
  readonly watch: Watch;
  /** Performs jobs with the model; opened at the first call. */
  readonly executor: () => Promise<Executor>;
  /** Opens it ahead, if a later stage will need it: processes load the model while this one computes by itself. */
  readonly openAhead?: () => void;
  /** Stops the stage after the samples in work; the stage then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Which of the samples are asked about, patched and tested. Default: all. */
  readonly shard?: Shard;
}

/** Names a sample in messages and exclusions. */
export const nameOf = ({ dataset, sample }: Pick<StoredSample, "dataset" | "sample">) => `${dataset}/${sample}`;

/** Work that a stage does sample by sample. */
export interface Round<Key, Name extends JobName> {
  readonly name: StageName;
  readonly job: Name;
  readonly work: readonly { readonly key: Key; readonly input: Jobs[Name]["input"] }[];
  /** Whether an error is the sample's own, so that the stage goes on. Default: only if it crashed its process. */
  readonly isOfSample?: (error: NoticeError) => boolean;
  /** Results take less time than it takes to write one: those of a while are written together. */
  readonly isBrief?: boolean;
  /** What is kept of a result, written in one transaction. */
  rowsOf(key: Key, result: Outcome<Jobs[Name]["output"]>, provenance: number): Partial<Record<Table, readonly Row[]>>;
}

/** Brief results that come within so many milliseconds of a write wait for the next result. */
const BRIEF = 500;

/**
 * Performs a job on every sample and stores each result, so that an interrupted stage continues where it stopped.
 *
 * @throws NoticeError `checkpoint` where the model is another; as the executor; the signal's reason.
 */
export async function throughSamples<Key, Name extends JobName>(
  { run, watch, executor, signal }: Stage,
  { name, job, work, isOfSample = ({ code }) => code === "worker", isBrief = false, rowsOf }: Round<Key, Name>,
): Promise<void> {
  if (work.length === 0) return;
  const { store } = run;
  await run.checkModel();
  const bar = watch.begin(name, work.length);
  try {
    const performing = await executor();
    const provenance = await run.provenance(performing.backend);
    const waiting: ReturnType<typeof rowsOf>[] = [];
    let [done, written] = [0, performance.now()];
    const write = async () => {
      const results = waiting.splice(0);
      await writeAll(store, results);
      written = performance.now();
      done += results.length;
      if (results.length > 0) bar.update(done);
    };
    try {
      for await (const result of performing.perform(job, until(work, signal))) {
        if (result.error && !isOfSample(result.error)) throw result.error;
        waiting.push(rowsOf(result.key, result, provenance));
        if (!isBrief || performance.now() - written > BRIEF) await write();
      }
    } catch (error) {
      // What is wrong with the database then is wrong with the next call, too.
      await write().catch(() => {});
      throw error;
    }
    await write();
  } finally {
    bar.end();
  }
  signal?.throwIfAborted();
}

/** The rows of results, all in one transaction. */
async function writeAll(store: Store, results: readonly Partial<Record<Table, readonly Row[]>>[]): Promise<void> {
  if (results.length === 0) return;
  const tables = new Set(results.flatMap((rows) => namesOf(rows)));
  await store.transaction(async () => {
    for (const table of tables)
      await store.insert(
        table,
        results.flatMap((rows) => rows[table] ?? []),
      );
  });
}

/** The items until the signal. Then the list ends: work in progress is finished and nothing new begins. */
async function* until<Item>(items: Iterable<Item>, signal: AbortSignal | undefined): AsyncGenerator<Item> {
  for (const item of items) {
    if (signal?.aborted) return;
    yield item;
  }
}
