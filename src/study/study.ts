import { checkOptions, NoticeError } from "../base/errors.js";
import { openPool, type Pool, type PoolOptions } from "../pool/pool.js";
import { evaluate } from "./evaluate.js";
import { patch } from "./patch.js";
import { prepare } from "./prepare.js";
import type { StudyRun } from "./run.js";
import { screen } from "./screen.js";
import { select } from "./select.js";
import type { Shard } from "./shard.js";
import { STAGES, type StageName, type Watch } from "./stage.js";
import { verify } from "./verify.js";

/** Who hears of a study, what ends it, and what it may take. */
export interface StudyOptions extends Omit<PoolOptions, "signal"> {
  /** Default: warnings go to the console, and nobody is told how far a stage is. */
  readonly watch?: Watch;
  /** Ends the study after the samples in work, with its reason; the same call later goes on from there. */
  readonly signal?: AbortSignal;
  /** Patch only this part of the selected samples. */
  readonly shard?: Shard;
}

const QUIET: Watch = { begin: () => ({ update() {}, end() {} }), warn: console.warn };

/**
 * Does stages of a run, each where it was left. The processes that compute are started when a stage first has something for
 * them, and ended at the end.
 *
 * @throws NoticeError as the stages; the signal's reason.
 */
export async function runStages(run: StudyRun, stages: readonly StageName[], given: StudyOptions = {}): Promise<void> {
  checkOptions("runStages", given);
  const { watch = QUIET, signal, shard, ...options } = given;
  const unknown = stages.find((name) => !STAGES.includes(name));
  if (unknown !== undefined)
    throw new NoticeError("options", `There is no stage ${JSON.stringify(unknown)}; choose from ${STAGES.join(", ")}.`);
  let opened: Promise<Pool> | undefined;
  const pool = () => {
    opened ??= openPool(run.settings.model, { warn: watch.warn, ...options });
    return opened;
  };
  const stage = { run, watch, signal, pool };
  const work = { prepare, evaluate, select, screen, patch: (given: typeof stage) => patch(given, shard), verify };
  try {
    for (const name of stages) {
      signal?.throwIfAborted();
      await work[name](stage);
    }
  } finally {
    await (await opened?.catch(() => undefined))?.close();
  }
}
