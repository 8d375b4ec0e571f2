// `vlm-notice/study`: what only studies need, with the database that they keep.
export { DATASETS, openDataset } from "./data/datasets.js";
export type { Dataset, Exclusion, PrepareContext, Prepared, Sample } from "./data/sample.js";
export { inProcess } from "./executors/in-process.js";
export type { HeadFunctionName } from "./patching/attention-functions.js";
export type { Ranked } from "./patching/comparison.js";
export type { HeadPlace } from "./patching/head-place.js";
export { gatherReport } from "./report/gather.js";
export { type ReportOptions, writeReport } from "./report/report.js";
export type { AttributionAgreement } from "./study/agreement.js";
export type { KeptAlone } from "./study/alone.js";
export { readCircuits, type StudyCircuit, type StudyCircuits } from "./study/circuits.js";
export { compareRuns } from "./study/compare.js";
export type { ComparedCircuit, ComparedPair, Comparison } from "./study/compared.js";
export { exportRules, exportScores } from "./study/export.js";
export { type Findings, readFindings, summarise } from "./study/findings.js";
export type { FunctionHeads, FunctionsOfHeads } from "./study/function-counts.js";
export { type MergeOptions, mergeRuns } from "./study/merge.js";
export { type PublishedCircuit, type PublishedHead, readPublished } from "./study/published.js";
export type { PlaceAgreement, SiteAgreement } from "./study/queries/agreement.js";
export { EXPORT_FORMATS, type ExportFormat } from "./study/queries/export.js";
export type { DatasetSummary } from "./study/queries/samples.js";
export type { Headline, RuledCircuit } from "./study/ruled.js";
export { StudyRun } from "./study/run.js";
export {
  type BegunSettings,
  type GivenSettings,
  MODALITIES,
  type Modality,
  readSettings,
  type Settings,
} from "./study/settings.js";
export type { Shard } from "./study/shard.js";
export { STAGES, type StageName, type StageWatch, type Watch } from "./study/stage.js";
export type { Store } from "./study/store.js";
export { runStages, type StudyOptions } from "./study/study.js";
export type { Row, Table } from "./study/tables.js";
export type { Verified } from "./study/verified.js";
