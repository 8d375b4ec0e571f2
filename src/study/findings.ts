import { type AttributionAgreement, readAgreement } from "./agreement.js";
import { readCircuits, type StudyCircuits } from "./circuits.js";
import { type DatasetSummary, datasetSummaries } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import { readVerified, type Verified } from "./verified.js";

/** Everything that is read off a run's scores. */
export interface Findings extends StudyCircuits {
  readonly verified: readonly Verified[];
  readonly attribution: readonly AttributionAgreement[];
}

/** @throws NoticeError as `readCircuits` */
export async function readFindings(run: StudyRun): Promise<Findings> {
  const circuits = await readCircuits(run);
  return { ...circuits, verified: await readVerified(run), attribution: await readAgreement(run) };
}

/** Counts of every data set, by name. */
export async function summarise({ store }: StudyRun): Promise<DatasetSummary[]> {
  return datasetSummaries(store);
}
