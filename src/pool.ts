// `vlm-notice/pool`: what performs many jobs, in several processes or in this one.
export type { Source } from "./base/stream.js";
export type { Executor, KeyedResult, OrderOptions, Outcome } from "./executors/executor.js";
export { WorkerError } from "./executors/processes/worker-process.js";
export { openPool, type Pool, type PoolOptions } from "./executors/processes.js";
export { openQueue } from "./executors/queue.js";
export type { QueueOptions } from "./executors/redis/executor.js";
export { type ServeOptions, serveQueue } from "./executors/redis/serve.js";
export type { AnswersInput, AskInput } from "./jobs/ask.js";
export type { AttributeAsked, AttributeInput } from "./jobs/attribute.js";
export type { FaithfulAsked, FaithfulFound, FaithfulInput } from "./jobs/faithful.js";
export type { PairFacts, Sendable } from "./jobs/job.js";
export type { JobName, Jobs } from "./jobs/jobs.js";
export type { KnockOutAsked, KnockOutInput } from "./jobs/knock-out.js";
export type { HeadLook, PairAsked, PairFound, PatchPairsFound, PatchPairsInput } from "./jobs/patch-pairs.js";
export type { PathsAsked, PathsFound, PathsInput } from "./jobs/paths.js";
export type { SweepAsked, SweepInput } from "./jobs/sweep.js";
export type { AttentionMass, ObjectAttention } from "./patching/attention-functions.js";
export type { Asked } from "./patching/inputs.js";
