import type { NoticeErrorCode } from "../base/errors.js";
import type { AnswerAttention } from "../patching/answer-attention.js";
import type { AttributeOptions } from "../patching/attribute.js";
import type { Faithfulness, FaithfulnessCurve, FaithfulOptions, HeadAt } from "../patching/faithful.js";
import type { Asked, PairInput } from "../patching/inputs.js";
import type { AskResult } from "../patching/model.js";
import type { ScoresJson } from "../patching/scores.js";
import type { Site } from "../patching/sites.js";
import type { SweepOptions } from "../patching/sweep.js";
import type { Backend } from "../platform/backend.js";
import type { MethodName, Methods, Sendable } from "./methods.js";

/** One sweep, as it travels. */
export type SweepResult = ScoresJson;

/** A sweep's. */
export type PoolSweep = Sendable<SweepOptions>;

/** One of a sample's pairs, and what is to be found out about it. */
export interface StudyPair {
  readonly input: PairInput;
  readonly sweeps: readonly PoolSweep[];
  /** Also what gradients expect at these sites. */
  readonly attribution?: Sendable<AttributeOptions> & { readonly sites: readonly Site[] };
}

/** What became of one of a sample's pairs. */
export type PairResult =
  | {
      /** By site. */
      readonly attributions: readonly SweepResult[];
      readonly scores: readonly SweepResult[];
      /** The question's, and where the answers stand in it, if they do. */
      readonly tokens: readonly string[];
      readonly answerToken: number | undefined;
      readonly incorrectToken: number | undefined;
      readonly refused?: undefined;
    }
  | { readonly refused: string; readonly scores?: undefined; readonly attributions?: undefined };

/** A circuit to be tested on a pair, and a ranking of the heads that it was chosen from. */
export interface VerifyPair {
  readonly input: PairInput;
  readonly heads: readonly HeadAt[];
  readonly ranked: readonly HeadAt[];
  /** Of the curve. */
  readonly sizes: readonly number[];
  readonly options: Pick<FaithfulOptions, "sites" | "randomSets" | "seed">;
}

/** What became of the test, or why there is none. */
export type VerifyResult =
  | { readonly faithful: Faithfulness; readonly curve: FaithfulnessCurve; readonly refused?: undefined }
  | { readonly refused: string };

/** What became of one sample of a study. */
export interface StudyResult {
  /** In the order of its pairs. */
  readonly pairs: readonly PairResult[];
  /** From the correct answer's token. Null where the question lacks it, or no pair could be made. */
  readonly attention: AnswerAttention | null;
}

/** What a worker can be asked for, by name. */
export interface Tasks {
  /** Every sweep of one pair, which share its two runs. */
  readonly sweep: {
    readonly input: { readonly pair: PairInput; readonly sweeps: readonly PoolSweep[] };
    readonly output: readonly SweepResult[];
  };
  /** A sample of a study: every sweep of every pair, and where the heads of the first pair's clean run look. */
  readonly study: {
    readonly input: { readonly pairs: readonly StudyPair[] };
    readonly output: StudyResult;
  };
  /** A circuit's faithfulness in each of a sample's pairs. */
  readonly verify: {
    readonly input: { readonly pairs: readonly VerifyPair[] };
    readonly output: readonly VerifyResult[];
  };
  readonly ask: {
    readonly input: { readonly asked: Asked; readonly top?: number };
    readonly output: AskResult;
  };
  /** A method on one pair. */
  readonly measure: {
    readonly input: { readonly pair: PairInput; readonly method: Method };
    readonly output: Methods[MethodName]["found"];
  };
}

export type Method = {
  [name in MethodName]: { readonly name: name; readonly asked: Methods[name]["asked"] };
}[MethodName];

export type Task = {
  [name in keyof Tasks]: { readonly name: name; readonly input: Tasks[name]["input"] };
}[keyof Tasks];

/** What a worker is started with: its only command-line argument, as JSON. */
export interface Setup {
  /** The checkpoint on disk. */
  readonly folder: string;
  /** The folder or hub id that results and errors name. */
  readonly model: string;
  readonly backend?: Backend | "auto";
  /** Bytes that this worker may take. */
  readonly memory: number;
}

/** What a worker says: `ready` or `refused` first, then one answer (`done` or `refused`) a task. */
export type Report =
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "ready"; readonly backend: Backend }
  /** A NoticeError: of the model before `ready`, of the task after it. */
  | { readonly kind: "refused"; readonly code: NoticeErrorCode; readonly message: string; readonly tensors: number }
  /** `tensors` is how many this process has made so far. */
  | { readonly kind: "done"; readonly output: unknown; readonly tensors: number }
  /** Any other error. The process ends itself: its backend may be in any state. */
  | { readonly kind: "broken"; readonly message: string };
