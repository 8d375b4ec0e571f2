import { NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import type { Executor } from "../executors/executor.js";
import { POOL_KEYS, type PoolOptions, startPool } from "../executors/processes.js";
import { evaluate } from "./evaluate.js";
import { patch } from "./patch.js";
import { prepare } from "./prepare.js";
import { roundOf } from "./round.js";
import { rules } from "./rules.js";
import type { StudyRun } from "./run.js";
import { screen } from "./screen.js";
import { select } from "./select.js";
import type { Shard } from "./shard.js";
import { forgetShard } from "./shard-record.js";
import { STAGES, type StageName, type Watch } from "./stage.js";
import { verify } from "./verify.js";

/** Options of a study: progress, a signal that stops it, and its resources. */
export interface StudyOptions extends Omit<PoolOptions, "signal"> {
  /** Receives progress and warnings. Default: warnings go to the console, progress is not reported. */
  readonly watch?: Watch;
  /** Stops the study after the samples in work and throws the signal's reason. The same call later continues. */
  readonly signal?: AbortSignal;
  /** Performs the jobs; it is not closed. Default: processes, started when a stage first needs them. */
  readonly executor?: Executor;
  /**
   * Ask about, patch and test only this part of the samples. What takes the results of all shards (to select, to test)
   * waits until they are merged.
   */
  readonly shard?: Shard;
}

const QUIET: Watch = { begin: () => ({ update() {}, end() {} }), warn: console.warn };

const WORK = { prepare, evaluate, select, screen, patch, verify, rules };

/**
 * Runs stages of a study. Each continues where it stopped. Processes that were started are ended at the end. Where the
 * first `prepare` fails, the run folder forgets its settings.
 *
 * @throws NoticeError as the stages; the signal's reason.
 */
export async function runStages(run: StudyRun, stages: readonly StageName[], given: StudyOptions = {}): Promise<void> {
  checkShape("runStages", given, { such: "{ workers: 4 }", keys: [...POOL_KEYS, "watch", "executor", "shard"] });
  const { watch = QUIET, signal, shard, executor, ...options } = given;
  const unknown = stages.find((name) => !STAGES.includes(name));
  if (unknown !== undefined)
    throw new NoticeError("options", `There is no stage ${JSON.stringify(unknown)}; choose from ${STAGES.join(", ")}.`);
  let opened: Promise<Executor> | undefined;
  const start = async () => {
    const { model, split, bits } = run.settings;
    const folder = await run.modelFolder({ ...options.hub, signal: options.hub?.signal ?? signal });
    return startPool({ folder, model }, { warn: watch.warn, split, bits, ...options });
  };
  const open = async () => {
    if (executor) return executor;
    opened ??= start();
    return opened;
  };
  await forgetShard(run.folder);
  try {
    const round = await roundOf(run, stages, shard);
    const openAhead = () => {
      // Whoever needs it is told what went wrong.
      if (round.includes("evaluate")) open().catch(() => {});
    };
    const stage = { run, watch, signal, shard, executor: open, openAhead };
    for (const name of round) {
      signal?.throwIfAborted();
      await WORK[name](stage);
    }
  } catch (error) {
    if (!signal?.aborted) await run.forget();
    throw error;
  } finally {
    await (await opened?.catch(() => undefined))?.close();
  }
}
