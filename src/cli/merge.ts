import { Command } from "commander";
import { folder } from "./options.js";
import { print } from "./streams.js";

/** `notice merge OUT RUN RUN …`: shards of one study become one run. */
export function mergeCommand(): Command {
  return new Command("merge")
    .description("merge the shards of one study into a new run folder; or those of a list or of accuracy into one file")
    .argument("<out>", "the new run's folder, or the file", folder)
    .argument(
      "<runs...>",
      "two or more run folders with equal settings; or .jsonl files of a list, .json files of accuracy",
    )
    .option("--partial", "also where samples are done in none of them; `notice study` goes on with those")
    .action(async (out: string, runs: string[], { partial }: { readonly partial?: boolean }) => {
      const all = (ending: string) => runs.every((run) => run.endsWith(ending));
      if (all(".jsonl")) return (await import("./merge-files.js")).mergeLists(out, runs, {});
      if (all(".json")) return (await import("./merge-files.js")).mergeAccuracy(out, runs);
      const { mergeRuns } = await import("../study/merge.js");
      const { asked, patched, selected } = await mergeRuns(out, runs, { partial });
      const done =
        selected === 0 ? `${asked} questions are asked` : `${patched} of ${selected} selected samples are patched`;
      print(`${out}: ${done}\n`);
    });
}
