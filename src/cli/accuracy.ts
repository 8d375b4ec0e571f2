import { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { tasks } from "../data/scenes/scene.js";
import type { Executor } from "../executors/executor.js";
import { inProcess } from "../executors/in-process.js";
import { resolveModel } from "../files/hub.js";
import type { Architecture } from "../model/architecture.js";
import { formOf } from "../study/form.js";
import { askScenes, partOf, type SceneAnswers, sceneAccuracy, sceneSamples } from "../study/scene-accuracy.js";
import { parseShard, shardName, WHOLE } from "../study/shard.js";
import { shardOption } from "./list-shards.js";
import {
  architectureOf,
  columns,
  loadedAs,
  loadModel,
  type ModelOptions,
  wholeNumber,
  withBackend,
  withJson,
} from "./options.js";
import { type Outputs, printResult } from "./outputs.js";
import { progress } from "./progress.js";
import { executorOption, openQueueAt } from "./queue.js";
import { untilSignal } from "./until-signal.js";

interface AccuracyOptions extends ModelOptions, Outputs {
  readonly n: number;
  readonly seed: number;
  readonly executor?: string;
  readonly shard?: string;
}

/** `notice accuracy MODEL`: how often a model is right about generated scenes. */
export function accuracyCommand(): Command {
  const command = new Command("accuracy")
    .description(
      "measure accuracy on generated scenes, on their minimal pairs, and on blank pictures: of answers to questions; of " +
        "sentences to match, half of them false; of captions, by which of two words is the likelier",
    )
    .argument("<model>", "checkpoint folder or hub id")
    .option("--n <scenes>", "number of scenes for each task", wholeNumber, 2000)
    .option("--seed <number>", "seed of the scenes; the shipped checkpoint was trained on seed 1", wholeNumber, 1000)
    .addOption(executorOption())
    .addOption(shardOption("the scenes, by hundreds"));
  return withJson(withBackend(command)).action(runAccuracy);
}

async function runAccuracy(model: string, options: AccuracyOptions): Promise<void> {
  const { n, seed } = options;
  if (n < 1) throw new NoticeError("options", "--n 0 asks nothing: ask about one scene a task, or more.");
  const shard = options.shard === undefined ? undefined : parseShard(options.shard);
  if (shard && options.json === undefined)
    throw new NoticeError("options", "--shard needs --json with the file for its part of the answers.");
  await untilSignal(async (signal) => {
    await withAsked(model, options, signal, async (executor, architecture) => {
      const form = formOf(architecture);
      const parts = tasks.map((task) => partOf(sceneSamples(task, n, seed, form), shard ?? WHOLE));
      const bar = progress(
        parts.reduce((sum, { length }) => sum + length, 0),
        "accuracy",
      );
      const answers: SceneAnswers[] = [];
      try {
        let before = 0;
        for (const samples of parts) {
          const onDone = (done: number) => {
            signal.throwIfAborted();
            bar.update(before + done);
          };
          answers.push(await askScenes(executor, samples, onDone, form));
          before += samples.length;
        }
      } finally {
        bar.stop();
      }
      if (!shard) return await printAccuracy({ model, seed, n, form, answers }, options);
      const part = { model, seed, n, form, ...loadedAs(options), shard: shardName(shard), answers };
      await printResult(
        part,
        () => `${options.json}: shard ${part.shard} is done; \`notice merge\` puts them together\n`,
        options,
      );
    });
  });
}

/** With the model in this process, or through a queue. */
async function withAsked(
  model: string,
  options: AccuracyOptions,
  signal: AbortSignal,
  work: (executor: Executor, architecture: Architecture) => Promise<void>,
): Promise<void> {
  if (options.executor === undefined) {
    using loaded = await loadModel(model, options);
    return await work(inProcess(loaded), loaded.architecture);
  }
  const folder = await resolveModel(model, { signal });
  await using queue = await openQueueAt(options.executor, { folder, model }, { ...options, signal });
  await work(queue, await architectureOf(model));
}

/** Answers to the scenes of every task. */
interface Asked {
  readonly model: string;
  readonly seed: number;
  readonly n: number;
  readonly form: ReturnType<typeof formOf>;
  readonly answers: readonly SceneAnswers[];
}

/** Shares of right answers, as a table and as JSON. */
export async function printAccuracy({ model, seed, n, form, answers }: Asked, outputs: Outputs): Promise<void> {
  const results = tasks.map((task, i) => {
    const found = sceneAccuracy(sceneSamples(task, n, seed, form), answers[i]!);
    return { task, ...found, answers: answers[i]! };
  });
  const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
  const rows = results.flatMap(({ task, accuracy, aspects, flips, blank }) => [
    [task, ...[accuracy, flips, blank].map(percent)],
    ...Object.entries(aspects).map(([name, share]) => [`  ${name}`, percent(share), "", ""]),
  ]);
  const table = () => columns(rows, ["task", "accuracy", "flips", "blank"]);
  await printResult({ model, seed, form, results }, table, outputs);
}
