import { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { tasks } from "../data/scenes/scene.js";
import { inProcess } from "../executors/in-process.js";
import { formOf } from "../study/form.js";
import { askScenes, sceneAccuracy, sceneSamples } from "../study/scene-accuracy.js";
import { columns, loadModel, type ModelOptions, wholeNumber, withBackend, withJson } from "./options.js";
import { type Outputs, printResult } from "./outputs.js";
import { progress } from "./progress.js";

interface AccuracyOptions extends ModelOptions, Outputs {
  readonly n: number;
  readonly seed: number;
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
    .option("--seed <number>", "seed of the scenes; the shipped checkpoint was trained on seed 1", wholeNumber, 1000);
  return withJson(withBackend(command)).action(async (model: string, options: AccuracyOptions) => {
    if (options.n < 1) throw new NoticeError("options", "--n 0 asks nothing: ask about one scene a task, or more.");
    using blip = await loadModel(model, options);
    const form = formOf(blip.architecture);
    const executor = inProcess(blip);
    const bar = progress(tasks.length * options.n, "accuracy");
    const results = [];
    try {
      for (const [i, task] of tasks.entries()) {
        const samples = sceneSamples(task, options.n, options.seed, form);
        const answers = await askScenes(executor, samples, (done) => bar.update(i * options.n + done), form);
        results.push({ task, ...sceneAccuracy(samples, answers), answers });
      }
    } finally {
      bar.stop();
    }
    const percent = (share: number) => `${(100 * share).toFixed(2)}%`;
    const rows = results.flatMap(({ task, accuracy, aspects, flips, blank }) => [
      [task, ...[accuracy, flips, blank].map(percent)],
      ...Object.entries(aspects).map(([name, share]) => [`  ${name}`, percent(share), "", ""]),
    ]);
    const table = () => columns(rows, ["task", "accuracy", "flips", "blank"]);
    await printResult({ model, seed: options.seed, form, results }, table, options);
  });
}
