import * as tf from "@tensorflow/tfjs-core";
import { isRecoverable, NoticeError } from "../../base/errors.js";
import { checkpointFolder } from "../../files/folder.js";
import { jobNamed, type Task } from "../../jobs/jobs.js";
import { loadModel } from "../../patching/load-model.js";
import type { Model } from "../../patching/model.js";
import type { Report, Setup } from "./messages.js";

// A worker process: loads the model, then performs one job after the other.

const parent = process.ppid;
process.on("disconnect", () => process.exit());
// Ctrl-C reaches every process of the terminal; what it means is the parent's business.
process.on("SIGINT", () => {});

async function load(): Promise<Model> {
  const { folder, model, backend, memory, split, bits } = JSON.parse(process.argv[2]!) as Setup;
  const warn = (message: string) => send({ kind: "warning", message });
  return loadModel({ ...checkpointFolder(folder), name: model }, { backend, memory, split, bits, warn });
}

try {
  const model = await load();
  process.on("message", (task: Task) => {
    perform(model, task)
      .then((output) => send({ kind: "done", output, tensors: tensorsMade() }))
      .catch((error) => (isRecoverable(error) ? refuse(error, tensorsMade()) : end(error)));
  });
  send({ kind: "ready", backend: model.backend });
} catch (error) {
  refuse(error, 0);
}

async function perform(model: Model, { name, input }: Task): Promise<unknown> {
  return jobNamed(name).performSent(model, input, endWithParent);
}

function refuse(error: unknown, tensors: number): void {
  if (error instanceof NoticeError) send({ kind: "refused", code: error.code, message: error.message, tensors });
  else end(error);
}

/** Its backend may be in any state, such as a GPU that was lost: another process takes over. */
function end(error: unknown): void {
  const message = error instanceof Error ? error.message : `${error}`;
  const lostBackend = error instanceof NoticeError && error.code === "backend";
  process.send!({ kind: "broken", message, lostBackend } satisfies Report, () => process.exit(1));
}

function send(report: Report): void {
  process.send!(report);
}

/** A task may compute for minutes without a turn of the event loop, in which it would hear that the parent is gone. */
function endWithParent(): void {
  if (process.ppid !== parent) process.exit();
}

/**
 * Every tensor has the next number; on tfjs-node every tensor is one handle of its native table (measured: 1.00 to
 * 1.02).
 */
function tensorsMade(): number {
  return tf.tidy(() => tf.scalar(0).id);
}
