import { type AttributionAgreement, readAgreement } from "./agreement.js";
import { type KeptAlone, readAlone } from "./alone.js";
import { readCircuits, type StudyCircuits } from "./circuits.js";
import { type DatasetSummary, datasetSummaries } from "./queries/samples.js";
import { type Headline, headlines, type RuledCircuit, readRules } from "./ruled.js";
import type { StudyRun } from "./run.js";
import { readVerified, type Verified } from "./verified.js";

/** Everything that is read off a run's scores. */
export interface Findings extends StudyCircuits {
  readonly verified: readonly Verified[];
  readonly attribution: readonly AttributionAgreement[];
  /** Circuits by every rule, and the smallest that keep enough; none before the stage `rules`. */
  readonly rules: readonly RuledCircuit[];
  readonly headlines: readonly Headline[];
  /** What single heads keep, on pairs that did not find them; none before the stage `rules`. */
  readonly alone: readonly KeptAlone[];
}

/** @throws NoticeError as `readCircuits` */
export async function readFindings(run: StudyRun): Promise<Findings> {
  const circuits = await readCircuits(run);
  const rules = await readRules(run);
  const tested = { verified: await readVerified(run), rules, headlines: headlines(rules), alone: await readAlone(run) };
  return { ...circuits, ...tested, attribution: await readAgreement(run) };
}

/** Counts of every data set, by name. */
export async function summarise({ store }: StudyRun): Promise<DatasetSummary[]> {
  return datasetSummaries(store);
}
