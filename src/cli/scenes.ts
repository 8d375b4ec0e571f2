import { Command, Option } from "commander";
import { FORMS, type Form } from "../data/sample.js";
import { writeScenes } from "../data/scenes/write.js";
import { folder, wholeNumber } from "./options.js";
import { progress } from "./progress.js";
import { print } from "./streams.js";

interface ScenesOptions {
  readonly out: string;
  readonly n: number;
  readonly seed: number;
  readonly as: Form;
}

/** `notice scenes`: generated scenes in the formats of the three data sets, with the exact pairs and masks. */
export function scenesCommand(): Command {
  return new Command("scenes")
    .description("write generated scenes as SVO-Probes, MIT-States and FER folders, with exact minimal pairs and masks")
    .requiredOption("--out <folder>", "a new or empty folder", folder)
    .option("--n <pairs>", "number of pairs for each task", wholeNumber, 100)
    .option("--seed <number>", "seed of the scenes; the shipped checkpoint was trained on seed 1", wholeNumber, 1000)
    .addOption(
      new Option("--as <form>", "how pairs.jsonl puts them: as questions, sentences to match, beginnings of captions")
        .choices(FORMS)
        .default("question"),
    )
    .action(async ({ out, n, seed, as }: ScenesOptions) => {
      const bar = progress(3 * n, "scenes");
      try {
        await writeScenes(out, { count: n, seed, as, progress: bar.update });
      } finally {
        bar.stop();
      }
      print(`${out}: ${n} pairs each of attributes, actions and faces\n`);
    });
}
