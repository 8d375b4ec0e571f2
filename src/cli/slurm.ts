import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { NoticeError } from "../base/errors.js";
import { makeFolder, writeWhole } from "../files/write.js";
import type { ShardedStage } from "../study/shard-record.js";
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

/** `notice slurm RUN`: the files by which Slurm does a prepared study on many nodes. */
export function slurmCommand(): Command {
  return new Command("slurm")
    .description(
      "write the sbatch files that evaluate, patch and verify a prepared run on many nodes, and say how to submit",
    )
    .argument("<run>", "a run folder whose data sets are prepared (`notice prepare`)", folder)
    .option("--tasks <number>", "tasks of the array, each a shard of the samples", wholeNumber, 16)
    .option("--time <limit>", "of each task, as Slurm takes it; what is unfinished is queued again", limit, "4:00:00")
    .option(
      "--out <folder>",
      "for the files, the shards and their logs, on a disk that all nodes see; default: RUN.slurm",
    )
    .action(async (run: string, { tasks, time, out = `${run}.slurm` }: SlurmFlags) => {
      if (tasks < 1 || tasks > MOST_TASKS)
        throw new NoticeError("options", `--tasks is ${tasks}; 1 to ${MOST_TASKS} were expected.`);
      const stages = await stagesLeft(run);
      await makeFolder(out);
      const place = { run: resolve(run), out: resolve(out), tasks, time };
      const files = { "array.sh": arrayScript(place), "merge.sh": mergeScript(place) };
      for (const [name, text] of Object.entries(files)) await writeWhole(join(out, name), text);
      const [array, merge] = Object.keys(files).map((name) => quoted(join(out, name)));
      print(`after=
for stage in ${stages.join(" ")}; do
  array=$(sbatch --parsable $after --job-name=$stage ${array} $stage)
  merge=$(sbatch --parsable --dependency=afterok:$array --job-name=merge-$stage ${merge} $stage)
  after=--dependency=afterok:$merge
done
`);
    });
}

/** Those from the one on that the run is at. @throws NoticeError `options` where a part of that is done already. */
async function stagesLeft(folder: string): Promise<readonly ShardedStage[]> {
  const { StudyRun } = await import("../study/run.js");
  const { stageAt } = await import("../study/round.js");
  const { countRows } = await import("../study/queries/shards.js");
  const { SHARDED } = await import("../study/shard-record.js");
  const { STAGES } = await import("../study/stage.js");
  using run = await StudyRun.reopen(folder);
  if ((await countRows(run.store, "samples")) === 0)
    throw new NoticeError("options", `The run ${folder} has no samples yet; \`notice prepare\` makes them.`);
  const at = await stageAt(run, STAGES);
  if ((await countRows(run.store, RESULTS[at])) > 0)
    throw new NoticeError(
      "options",
      `The run ${folder} has done a part of ${at}, which its shards would do again: finish it first, \`notice ${at} --out ${folder}\`.`,
    );
  return SHARDED.slice(SHARDED.indexOf(at));
}

/** Where the results of a stage are kept. */
const RESULTS = { evaluate: "answers", patch: "patched", verify: "verified" } as const;

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

/** What a stage leaves when its shards are merged. */
const MERGED: Record<ShardedStage, string> = { evaluate: "evaluated", patch: "patched", verify: "whole" };

function arrayScript({ run, out, tasks, time }: Place): string {
  return `#!/bin/bash
#SBATCH --array=0-${tasks - 1}
#SBATCH --time=${time}
#SBATCH --output=${directive(out)}/%x-%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:TERM@${GRACE_SECONDS}
# A shard of the stage that is given, on a copy of what the stage before it left: no two nodes write one database.
# Before the time limit a task finishes the samples in work and is queued again; it then goes on where it stopped.
stage=$1
cd ${quoted(out)} || exit 1
case $stage in
  evaluate) from=${quoted(run)} ;;
  patch) from=${MERGED.evaluate}; [ -e $from ] || from=${quoted(run)} ;;
  verify) from=${MERGED.patch}; [ -e $from ] || from=${quoted(run)} ;;
esac
shard=$stage-$SLURM_ARRAY_TASK_ID
if [ ! -e $shard ]; then
  copy=$shard.copy-$$
  cp -r "$from" $copy && mv $copy $shard || exit 1
fi
${NOTICE} $stage --out $shard --shard auto &
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
  // One shard has nothing to merge with.
  const merge =
    tasks === 1
      ? "cp -r $stage-0 $whole.copy-$$ && mv $whole.copy-$$ $whole"
      : `${NOTICE} merge $whole $(seq -f "$stage-%.0f" 0 ${tasks - 1})`;
  return `#!/bin/bash
#SBATCH --output=${directive(out)}/%x.log
# Puts the shards of a stage together, which fails where one is missing, and does what needs all of them: selects the
# samples to patch, or reads the circuits and writes the report.
stage=$1
cd ${quoted(out)} || exit 1
case $stage in
${Object.entries(MERGED)
  .map(([stage, whole]) => `  ${stage}) whole=${whole} ;;\n`)
  .join("")}esac
[ -e $whole ] || { ${merge}; } || exit 1
case $stage in
  evaluate) ${NOTICE} select --out $whole && ${NOTICE} screen --out $whole ;;
  patch) ;;
  verify) ${NOTICE} study --out $whole ;;
esac
`;
}
