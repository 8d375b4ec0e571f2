import type { Shard } from "../shard.js";
import { WHOLE } from "../shard.js";
import type { Store } from "../store.js";

/** The stage of an exclusion that leaves nothing out: what somebody should know of a data set. */
export const REMARK = "remark";

// What a run knows of its samples, and which of them a stage has still to do.

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
  /** Which token of the question `answer` means, where no answer stands in it. */
  readonly answer_place: string | null;
}

/** One that is to be patched. */
export interface SelectedSample extends StoredSample {
  readonly ordinal: number;
}

/** A shard's samples that have not been asked about: of each data set the first so many by their draws. */
export const unasked = (
  store: Store,
  candidates = 2 ** 31 - 1,
  { index, count }: Shard = WHOLE,
): Promise<StoredSample[]> =>
  store.rows(
    `SELECT s.* FROM (SELECT *, row_number() OVER (PARTITION BY dataset ORDER BY draw, sample) AS place FROM samples) s
     ANTI JOIN answers USING (dataset, sample)
     WHERE place <= $1 AND (place - 1) % $2 = $3 AND NOT EXISTS (
       FROM exclusions e WHERE e.stage = 'evaluate' AND e.dataset = s.dataset AND e.source = s.sample)
     ORDER BY dataset, draw, sample`,
    [candidates, count, index],
  );

/** Samples that were answered rightly, by their draws. */
export const answeredRightly = (store: Store): Promise<StoredSample[]> =>
  store.rows(
    `SELECT s.* FROM answers JOIN samples s USING (dataset, sample) WHERE is_correct ORDER BY dataset, draw, sample`,
  );

/** The selected samples of a shard; with `lacking` those that have no row in a table yet. */
export const selectedSamples = (
  store: Store,
  { index, count }: Shard = WHOLE,
  lacking?: "patched" | "expected",
): Promise<SelectedSample[]> =>
  store.rows(
    `SELECT s.*, ordinal FROM selected JOIN samples s USING (dataset, sample)
     ${lacking ? `ANTI JOIN ${lacking} USING (dataset, sample)` : ""}
     WHERE ordinal % $1 = $2 ORDER BY dataset, ordinal`,
    [count, index],
  );

/** How many samples of a shard are selected and not patched. */
export const countUnpatched = (store: Store, { index, count }: Shard = WHOLE): Promise<number> =>
  store.count("SELECT count(*) FROM selected ANTI JOIN patched USING (dataset, sample) WHERE ordinal % $1 = $2", [
    count,
    index,
  ]);

/** The questions of all samples, or of those that are selected. */
export const questionsOf = (
  store: Store,
  of: "samples" | "selected",
): Promise<Pick<StoredSample, "question" | "correct" | "incorrect" | "answer_place">[]> =>
  store.rows(
    `SELECT DISTINCT question, correct, incorrect, answer_place FROM samples
     ${of === "selected" ? "SEMI JOIN selected USING (dataset, sample)" : ""} ORDER BY ALL`,
  );

/** Names of all samples: their data set, a slash, their name. */
export const sampleNames = async (store: Store): Promise<string[]> =>
  (await store.rows<{ key: string }>("SELECT dataset || '/' || sample AS key FROM samples")).map(({ key }) => key);

/** Whether a stage is finished, of a data set or of all. */
export const isFinished = async (
  store: Store,
  stage: "prepare" | "select" | "screen",
  dataset = "",
): Promise<boolean> =>
  (await store.count("SELECT count(*) FROM finished WHERE stage = $1 AND dataset = $2", [stage, dataset])) > 0;

/** Whether not all of these data sets are prepared, and nothing is computed. */
export async function isUnprepared(store: Store, datasets: readonly string[]): Promise<boolean> {
  if ((await store.count("SELECT count(*) FROM provenance")) > 0) return false;
  for (const name of datasets) if (!(await isFinished(store, "prepare", name))) return true;
  return false;
}

/** Takes back what `prepare` made, and by which settings. What was left out stays. */
export const forgetPrepared = (store: Store): Promise<void> =>
  store.transaction(async () => {
    for (const table of ["samples", "finished", "begun"]) await store.run(`DELETE FROM ${table}`);
  });

/** Takes back what was left out of data sets, where none is prepared. */
export const forgetLeftOut = (store: Store): Promise<void> =>
  store.run(
    `DELETE FROM exclusions WHERE stage = 'prepare' AND NOT EXISTS (FROM finished f WHERE f.stage = 'prepare')`,
  );

/** The first samples of a data set, in their order, that have the patterns of their heads. */
export const samplesWithPatterns = (store: Store, dataset: string, most: number): Promise<SelectedSample[]> =>
  store.rows(
    `SELECT s.* FROM samples s JOIN selected USING (dataset, sample)
     SEMI JOIN (FROM attention WHERE pattern IS NOT NULL) USING (dataset, sample)
     WHERE dataset = $1 ORDER BY ordinal LIMIT ${most}`,
    [dataset],
  );

/** How far a data set of a run has come. */
export interface DatasetSummary {
  readonly dataset: string;
  /** Samples that prepare found, and things that it left out. */
  readonly samples: number;
  readonly excluded: number;
  readonly asked: number;
  readonly correct: number;
  readonly selected: number;
  readonly patched: number;
}

/** Of a sample all of whose pairs failed nothing is patched, although it is done. */
const WITH_SCORES = "EXISTS (FROM passes p WHERE p.dataset = t.dataset AND p.sample = t.sample)";

/** Counts of every data set, by name. */
export const datasetSummaries = (store: Store): Promise<DatasetSummary[]> => {
  const count = (name: string, table: string, where = "") =>
    `CAST((SELECT count(*) FROM ${table} t WHERE t.dataset = d.dataset ${where}) AS INTEGER) AS ${name}`;
  return store.rows(
    `SELECT dataset, ${count("samples", "samples")}, ${count("excluded", "exclusions", `AND stage <> '${REMARK}'`)}, ${count("asked", "answers")},
       ${count("correct", "answers", "AND is_correct")}, ${count("selected", "selected")}, ${count("patched", "patched", `AND ${WITH_SCORES}`)}
     FROM (SELECT dataset FROM samples UNION SELECT dataset FROM exclusions) d ORDER BY dataset`,
  );
};

/** How far the groups that selection balances have come. */
export interface GroupCounts extends Omit<DatasetSummary, "excluded"> {
  readonly name: string;
}

export const groupCounts = (store: Store): Promise<GroupCounts[]> =>
  store.rows(
    `SELECT dataset, sample_group AS name, CAST(count(*) AS INTEGER) AS samples, CAST(count(answer) AS INTEGER) AS asked,
       CAST(count(*) FILTER (is_correct) AS INTEGER) AS correct, CAST(count(ordinal) AS INTEGER) AS selected,
       CAST(count(patched.sample) AS INTEGER) AS patched
     FROM samples LEFT JOIN answers USING (dataset, sample) LEFT JOIN selected USING (dataset, sample)
       LEFT JOIN (FROM patched t WHERE ${WITH_SCORES}) patched USING (dataset, sample)
     GROUP BY ALL ORDER BY ALL`,
  );

/** What was left out for a reason, and one of it. */
export interface ExcludedCount {
  readonly dataset: string;
  readonly stage: string;
  readonly reason: string;
  readonly count: number;
  readonly example: string;
}

export const exclusionCounts = (store: Store): Promise<ExcludedCount[]> =>
  store.rows(
    `SELECT dataset, stage, reason, CAST(count(*) AS INTEGER) AS count, min(source || ': ' || detail) AS example
     FROM exclusions GROUP BY ALL ORDER BY dataset, stage, count DESC, reason`,
  );

/** Pairs that were not patched, over all data sets; the commonest reason first. */
export const unpatchedPairs = (store: Store): Promise<Pick<ExcludedCount, "reason" | "count" | "example">[]> =>
  store.rows(
    `SELECT reason, CAST(count(*) AS INTEGER) AS count, min(source || ': ' || detail) AS example
     FROM exclusions WHERE stage = 'patch' GROUP BY reason ORDER BY count DESC, reason`,
  );
