import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { SETTINGS } from "../files/run-files.js";
import { folder } from "./options.js";
import { print } from "./streams.js";

/** `notice merge OUT RUN RUN …`: shards of one study become one run. */
export function mergeCommand(): Command {
  return new Command("merge")
    .description("merge the shards of one study into a new run folder; or those of a list or of accuracy into one file")
    .argument("<out>", "the new run's folder, or the file", folder)
    .argument(
      "<runs...>",
      "two or more run folders with equal settings, or of `notice paper`; or .jsonl files of a list, .json files of accuracy",
    )
    .option("--partial", "also where samples are done in none of them; `notice study` goes on with those")
    .action(async (out: string, runs: string[], { partial }: { readonly partial?: boolean }) => {
      const all = (ending: string) => runs.every((run) => run.endsWith(ending));
      if (partial && (all(".jsonl") || all(".json")))
        throw new NoticeError(
          "options",
          "--partial goes with run folders: of a list or of accuracy all shards are needed.",
        );
      if (all(".jsonl")) return (await import("./merge-files.js")).mergeLists(out, runs);
      if (all(".json")) return (await import("./merge-files.js")).mergeAccuracy(out, runs);
      const sets = await runsWithin(runs);
      if (sets.length === 0) return mergeInto(out, runs, partial);
      await mergeSets(out, sets, runs, partial);
    });
}

/** All data sets or none: the same command then works once what was wrong is mended. */
async function mergeSets(out: string, sets: readonly string[], runs: readonly string[], partial: boolean | undefined) {
  const made: string[] = [];
  try {
    for (const set of sets) {
      const shards = runs.map((run) => join(run, set));
      await mergeInto(join(out, set), shards, partial);
      made.push(join(out, set));
    }
  } catch (error) {
    for (const folder of made) await rm(folder, { recursive: true });
    throw error;
  }
}

async function mergeInto(out: string, runs: readonly string[], partial: boolean | undefined): Promise<void> {
  const { mergeRuns } = await import("../study/merge.js");
  const { asked, patched, selected } = await mergeRuns(out, runs, { partial });
  const done =
    selected === 0 ? `${asked} questions are asked` : `${patched} of ${selected} selected samples are patched`;
  print(`${out}: ${done}\n`);
}

/** The runs that stand in these folders, as `notice paper` makes them; none where one of the folders is a run. */
async function runsWithin(folders: readonly string[]): Promise<string[]> {
  const isRun = (folder: string) => existsSync(join(folder, SETTINGS));
  if (folders.some(isRun)) return [];
  const names = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  return [...new Set(names.flat())].filter((name) => folders.some((folder) => isRun(join(folder, name)))).sort();
}
