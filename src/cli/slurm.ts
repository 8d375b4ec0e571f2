import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { NoticeError } from "../base/errors.js";
import { makeFolder, writeWhole } from "../files/write.js";
import { folder, wholeNumber } from "./options.js";
import { print } from "./streams.js";

interface SlurmFlags {
  readonly tasks: number;
  readonly time: string;
  readonly out?: string;
}

/** More are beyond any scheduler's array. */
const MOST_TASKS = 10_000;

/** Seconds before the limit at which a task finishes the samples in work. */
const GRACE_SECONDS = 120;

/** `notice slurm RUN`: the files by which Slurm patches a prepared run on many nodes. */
export function slurmCommand(): Command {
  return new Command("slurm")
    .description("write the sbatch files that patch a prepared run on many nodes, then merge and report")
    .argument("<run>", "a run folder in which samples are selected (`notice select`)", folder)
    .option("--tasks <number>", "tasks of the array, each a shard of the samples", wholeNumber, 16)
    .option("--time <limit>", "of each task, as Slurm takes it; what is unfinished is queued again", limit, "4:00:00")
    .option(
      "--out <folder>",
      "for the files, the shards and their logs, on a disk that all nodes see; default: RUN.slurm",
    )
    .action(async (run: string, { tasks, time, out = `${run}.slurm` }: SlurmFlags) => {
      if (tasks < 1 || tasks > MOST_TASKS)
        throw new NoticeError("options", `--tasks is ${tasks}; 1 to ${MOST_TASKS} were expected.`);
      const { StudyRun } = await import("../study/run.js");
      {
        using opened = await StudyRun.reopen(run);
        await opened.checkSelected();
      }
      await makeFolder(out);
      const place = { run: resolve(run), out: resolve(out), tasks, time };
      const files = { "patch.sh": patchScript(place), "merge.sh": mergeScript(place) };
      for (const [name, text] of Object.entries(files)) await writeWhole(join(out, name), text);
      const [patch, merge] = Object.keys(files).map((name) => quoted(join(out, name)));
      print(`job=$(sbatch --parsable ${patch}) && sbatch --dependency=afterok:$job ${merge}\n`);
    });
}

function limit(text: string): string {
  if (!/^(\d{1,3}-)?\d{1,4}(:\d{2}){0,2}$/.test(text))
    throw new InvalidArgumentError("A limit such as 4:00:00 was expected.");
  return text;
}

const quoted = (path: string) => `'${path.replaceAll("'", String.raw`'\''`)}'`;

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const NOTICE = `${quoted(process.execPath)} ${quoted(MAIN)}`;

interface Place {
  readonly run: string;
  readonly out: string;
  readonly tasks: number;
  readonly time: string;
}

/** In a comment to Slurm a name stands as it is; what would end it is refused. */
function directive(path: string): string {
  if (/[\s"'%\\]/.test(path))
    throw new NoticeError(
      "options",
      `${path}: Slurm takes no blank, quote, backslash or % in a folder's name; give --out.`,
    );
  return path;
}

function patchScript({ run, out, tasks, time }: Place): string {
  return `#!/bin/bash
#SBATCH --job-name=notice-patch
#SBATCH --array=0-${tasks - 1}
#SBATCH --time=${time}
#SBATCH --output=${directive(out)}/patch-%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@${GRACE_SECONDS}
# A shard of the samples, on a copy of the prepared run: no two nodes write one database. Before the time limit a task
# finishes the samples in work and is queued again; it then goes on where it stopped.
shard=${quoted(out)}/shard-$SLURM_ARRAY_TASK_ID
if [ ! -e "$shard" ]; then
  copy="$shard.copy-$$"
  cp -r ${quoted(run)} "$copy" && mv "$copy" "$shard" || exit 1
fi
${NOTICE} patch --out "$shard" --shard auto &
child=$!
trap 'stopped=1; kill -TERM $child' TERM
wait $child
code=$?
if [ -n "$stopped" ]; then
  wait $child
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $code
`;
}

function mergeScript({ out, tasks }: Place): string {
  const shards = Array.from({ length: tasks }, (_, index) => `${quoted(out)}/shard-${index}`).join(" \\\n  ");
  // One shard has nothing to merge with.
  const merged = tasks === 1 ? `${quoted(out)}/shard-0` : `${quoted(out)}/whole`;
  const merge = tasks === 1 ? "" : `${NOTICE} merge ${merged} \\\n  ${shards} || exit 1\n`;
  return `#!/bin/bash
#SBATCH --job-name=notice-merge
#SBATCH --output=${directive(out)}/merge.log
# Puts the shards together, tests the circuits and writes the report. It fails where a shard is missing.
${merge}${NOTICE} study --out ${merged}
`;
}
