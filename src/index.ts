export { BACKENDS, type Backend, currentBackend, useBackend } from "./backend.js";
export { type AskResult, Blip, type ImageInput, type LoadOptions, loadBlip, type PairInput } from "./blip.js";
export { type GaussianNoise, gaussianNoise } from "./corruption/gaussian.js";
export { NoticeError, type NoticeErrorCode } from "./errors.js";
export type { CheckpointFiles } from "./model/checkpoint.js";
export { decodePicture } from "./model/decode.js";
export { encodePng, type Picture } from "./model/picture.js";
export type { ByteSource } from "./model/safetensors.js";
export {
  type Answer,
  type Answers,
  DEGENERATE,
  METRICS,
  type Metric,
  type Reading,
  type Score,
} from "./patching/metrics.js";
export type { Direction, Mode, Pair } from "./patching/pair.js";
export { type PatchOptions, patch, patchHead, type Selection } from "./patching/patch.js";
export type { Position, Question } from "./patching/positions.js";
export type { Run } from "./patching/run.js";
export type { Axis, Nested, Scores, SweepFacts } from "./patching/scores.js";
export { SITES, type Site } from "./patching/sites.js";
export { type SweepOptions, sweep } from "./patching/sweep.js";
