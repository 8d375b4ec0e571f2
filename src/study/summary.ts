import type { StudyRun } from "./run.js";

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

/** Counts of every data set, by name. */
export async function summarise(run: StudyRun): Promise<DatasetSummary[]> {
  return run.store.rows<DatasetSummary>(`
    SELECT dataset,
      CAST((SELECT count(*) FROM samples s WHERE s.dataset = d.dataset) AS INTEGER) AS samples,
      CAST((SELECT count(*) FROM exclusions e WHERE e.dataset = d.dataset) AS INTEGER) AS excluded,
      CAST((SELECT count(*) FROM answers a WHERE a.dataset = d.dataset) AS INTEGER) AS asked,
      CAST((SELECT count(*) FROM answers a WHERE a.dataset = d.dataset AND is_correct) AS INTEGER) AS correct,
      CAST((SELECT count(*) FROM selected s WHERE s.dataset = d.dataset) AS INTEGER) AS selected,
      CAST((SELECT count(*) FROM patched p WHERE p.dataset = d.dataset) AS INTEGER) AS patched
    FROM (SELECT dataset FROM samples UNION SELECT dataset FROM exclusions) d ORDER BY dataset`);
}
