import { countUnpatched, isFinished, unasked } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Shard } from "./shard.js";
import type { ShardedStage } from "./shard-record.js";
import type { StageName } from "./stage.js";

// Shards are merged before a stage that takes the results of all. What is done between two merges is a round.

const ROUNDS: Record<ShardedStage, readonly StageName[]> = {
  evaluate: ["prepare", "evaluate"],
  patch: ["select", "screen", "patch"],
  verify: ["verify"],
};

/** Which of the stages that are split a run is at. */
export async function stageAt(run: StudyRun, stages: readonly StageName[]): Promise<ShardedStage> {
  const [only, more] = stages;
  if (more === undefined && only !== undefined && Object.hasOwn(ROUNDS, only)) return only as ShardedStage;
  const { store, settings } = run;
  const prepared = await Promise.all(settings.dataset.map((name) => isFinished(store, "prepare", name)));
  if (prepared.includes(false) || (await unasked(store, settings.candidates)).length > 0) return "evaluate";
  return (await isFinished(store, "select")) && (await countUnpatched(store)) === 0 ? "verify" : "patch";
}

/** Those of several stages that a shard can do before it is merged with the others. */
export async function roundOf(
  run: StudyRun,
  stages: readonly StageName[],
  shard: Shard | undefined,
): Promise<readonly StageName[]> {
  if (!shard || shard.count === 1 || stages.length < 2) return stages;
  const round = ROUNDS[await stageAt(run, stages)];
  return stages.filter((name) => round.includes(name));
}
