import type { NoticeErrorCode } from "../../base/errors.js";
import type { WeightBits } from "../../checkpoint/weights.js";
import type { Backend } from "../../platform/backend.js";

/** What a worker is started with: its only command-line argument, as JSON. */
export interface Setup {
  /** The checkpoint on disk. */
  readonly folder: string;
  /** The folder or hub id that results and errors name. */
  readonly model: string;
  readonly backend?: Backend | "auto";
  /** As `LoadOptions`. */
  readonly split?: boolean;
  readonly bits?: WeightBits;
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
  | { readonly kind: "broken"; readonly message: string; readonly lostBackend?: boolean };
