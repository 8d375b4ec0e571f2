import { Command } from "commander";
import { writeScenes } from "../data/scenes/write.js";
import { folder, wholeNumber } from "./options.js";
import { progress } from "./progress.js";
import { print } from "./streams.js";

interface ScenesOptions {
  readonly out: string;
  readonly n: number;
  readonly seed: number;
}

/** `notice scenes`: generated scenes in the formats of the three data sets, with the exact pairs and masks. */
export function scenesCommand(): Command {
  return new Command("scenes")
    .description("write generated scenes as SVO-Probes, MIT-States and FER folders, with exact minimal pairs and masks")
    .requiredOption("--out <folder>", "a new or empty folder", folder)
    .option("--n <pairs>", "number of pairs for each task", wholeNumber, 100)
    .option("--seed <number>", "seed of the scenes; the shipped checkpoint was trained on seed 1", wholeNumber, 1000)
    .action(async ({ out, n, seed }: ScenesOptions) => {
      const bar = progress(3 * n, "scenes");
      try {
        await writeScenes(out, { count: n, seed, progress: bar.update });
      } finally {
        bar.stop();
      }
      print(`${out}: ${n} pairs each of attributes, actions and faces\n`);
    });
}
