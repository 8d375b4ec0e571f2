import "./base/dispose.js";

export { NoticeError, type NoticeErrorCode } from "./base/errors.js";
export type { ByteSource, CheckpointFiles } from "./base/source.js";
export { type GaussianNoise, gaussianNoise } from "./corruption/gaussian.js";
export type { DownloadProgress, HubOptions } from "./files/hub.js";
export type { Retry } from "./files/retry.js";
export type { Architecture, Network, TowerSize } from "./model/architecture.js";
export type { ArchitectureName } from "./model/architectures.js";
export type { BlipConfig, TextConfig, TowerConfig, VisionConfig } from "./model/blip-config.js";
export type { LoadOptions } from "./model/load.js";
export type { Activations, Edited, EditedBlock } from "./model/pass.js";
export { ablate, layerWindow } from "./patching/ablate.js";
export { type Agreement, agreement } from "./patching/agreement.js";
export {
  type AttributeAfterPlace,
  type AttributeOptions,
  attribute,
  attributeAll,
  type SiteAttribution,
} from "./patching/attribute.js";
export { type BackPatch, backPatching, fromLayer } from "./patching/back-patching.js";
export type { PassOptions } from "./patching/budget.js";
export type { AskResult } from "./patching/choices.js";
export {
  type Circuit,
  type CircuitOptions,
  findCircuit,
  type HeadScores,
  type HeadStatistics,
  type NamedCircuit,
  type Universality,
  universality,
} from "./patching/circuits.js";
export { type DirectAttribution, directAttribution } from "./patching/direct.js";
export { type Edit, edit, type PlaceIn } from "./patching/edits.js";
export {
  type Faithfulness,
  type FaithfulnessCurve,
  type FaithfulOptions,
  faithfulness,
  faithfulnessCurve,
  type SetOptions,
} from "./patching/faithful.js";
export { gradients } from "./patching/gradients.js";
export { type Groups, sweepGroups } from "./patching/group-sweep.js";
export { everyHead, type HeadEffect, headEffects, rankHeads } from "./patching/head-effects.js";
export type { HeadAt } from "./patching/head-place.js";
export type { HeadWeights } from "./patching/head-weights.js";
export { type Box, type ImagePlace, imagePlaces, type Viewer } from "./patching/image-places.js";
export type {
  AskedEdited,
  CorruptImage,
  CorruptQuestion,
  ImageInput,
  PairInput,
  PictureFile,
} from "./patching/inputs.js";
export { type Cut, knockOut, type PatternSite, sweepKnockOut, type WindowOptions } from "./patching/knock-out.js";
export { type LensOptions, logitLens } from "./patching/lens.js";
export { loadBlip, loadModel } from "./patching/load-model.js";
export {
  type Answer,
  type Answers,
  DEGENERATE,
  divergence,
  type LogitMetric,
  logitDifference,
  METRICS,
  type MeasuredReading,
  type Metric,
  type Metrics,
  probability,
  type Reading,
  rank,
  type Score,
} from "./patching/metrics.js";
export { type Blip, Model } from "./patching/model.js";
export {
  type ControlledCut,
  controlledKnockOut,
  noiseAttention,
  type RandomTargets,
  type SwappedLabels,
  shuffledPairs,
  swappedLabels,
  sweepControlled,
} from "./patching/nulls.js";
export type { Direction, Mode, Pair } from "./patching/pair.js";
export { type Measured, type PatchOptions, patch, patchHead, patchMetrics } from "./patching/patch.js";
export { hasPath, type PathOptions, patchPath, type Receiver, type Sender } from "./patching/paths.js";
export type { IndexPosition, Position, PositionAt, Question } from "./patching/positions.js";
export { type EvidenceOptions, evidenceOf } from "./patching/rules/evidence.js";
export type { Evidence, HeadSet, HeadTable, Rule, Ruled } from "./patching/rules/rule.js";
export { findBy, RULES, type RuleName } from "./patching/rules/rules.js";
export type { Run } from "./patching/run.js";
export { type Axis, type Nested, Scores, type ScoresJson, type SweepFacts } from "./patching/scores.js";
export type { HeadNumbers, Selection } from "./patching/selection.js";
export { type SingularValues, singularValues } from "./patching/singular.js";
export {
  type CircuitSite,
  circuitSites,
  type HeadSite,
  type QuestionSite,
  type ReadSite,
  SITES,
  type Site,
  type SiteParts,
  sitesOf,
} from "./patching/sites.js";
export { between, type Change, changed, fromRun, meanOf, type Source, zero } from "./patching/sources.js";
export { type AfterPlace, type SweepCourse, type SweepOptions, sweep, sweepTogether } from "./patching/sweep.js";
export type { SiteTable, TableOptions } from "./patching/table.js";
export { tokenGroups } from "./patching/token-groups.js";
export { decodePicture } from "./pictures/decode.js";
export { encodePng, type Picture, type Size } from "./pictures/picture.js";
export type { ImageProcessor } from "./pictures/pixels.js";
export { BACKENDS, type Backend, currentBackend, useBackend } from "./platform/backend.js";
export type { Encoding, Tokenizer } from "./words/tokenizer.js";
