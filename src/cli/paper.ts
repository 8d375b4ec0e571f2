import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { sum } from "../base/mean.js";
import { fileError, isFileError } from "../files/system-error.js";
import type { PaperDataset } from "../study/paper.js";
import type { PublishedCircuit } from "../study/published.js";
import type { StudyRun } from "../study/run.js";
import type { Shard } from "../study/shard.js";
import type { ShardedStage } from "../study/shard-record.js";
import { STAGES, type StageName } from "../study/stage.js";
import { columns, folder, loadedAs, type ModelOptions, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, type Outputs, printResult } from "./outputs.js";
import { executorOption } from "./queue.js";
import { publishedTable } from "./rule-table.js";
import { print, say } from "./streams.js";
import { type Course, doStages, report } from "./study.js";
import { untilSignal } from "./until-signal.js";
import { stderrWatch } from "./watch.js";

interface PaperFlags extends ModelOptions, Outputs {
  readonly out: string;
  readonly data: string;
  readonly model: string;
  readonly n?: number;
  readonly seed: number;
  readonly workers?: number;
  readonly executor?: string;
  readonly shard?: string;
  readonly estimate?: boolean;
}

/** What comes before patching, and is quick beside it. */
const BEFORE: readonly StageName[] = ["prepare", "evaluate", "select"];

/** `notice paper`: the paper's studies, one a data set, and ours beside what it says. */
export function paperCommand(): Command {
  const command = new Command("paper")
    .description("run the paper's studies from raw data, and print what they find beside what it says")
    .requiredOption("--data <folder>", "holds svo-probes, mit-states and faces (or some of them)", folder)
    .requiredOption("--out <folder>", "a run folder for each data set is made in it", folder)
    .option("--model <model>", "checkpoint folder or hub id", "Salesforce/blip-vqa-base")
    .option("--n <samples>", "at most so many samples of each data set; default: as many as the paper", wholeNumber)
    .option("--seed <number>", "seed of all random choices", wholeNumber, 0)
    .option("--shard <i/n>", "only part i of n of the samples, as of `notice study`")
    .option("--estimate", "stop when a minute of patching is measured; what it did is kept")
    .option("--workers <number>", "processes; default: as many as cores, if memory allows", wholeNumber);
  command.addOption(executorOption());
  command.addHelpText("after", "\nGive an interrupted command again with the same --out, and it continues.");
  return withJson(withBackend(command)).action(runPaper);
}

async function runPaper(flags: PaperFlags): Promise<void> {
  await checkOutputs({ json: flags.json });
  const { paperFolders } = await import("../study/paper.js");
  const { parseShard, WHOLE } = await import("../study/shard.js");
  const { stageAt } = await import("../study/round.js");
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard);
  const sets = paperFolders(flags.data, await namesIn(flags.data));
  await mkdir(flags.out, { recursive: true });
  const runs: { readonly set: PaperDataset; readonly run: StudyRun }[] = [];
  try {
    for (const set of sets) runs.push({ set, run: await openRun(set, flags) });
    // Before the work: a shard may do all that is left of a stage.
    const stages = shard && (await Promise.all(runs.map(({ run }) => stageAt(run, STAGES))));
    let measured = false;
    await untilSignal(
      async (signal) => {
        measured = await runAll(
          runs.map(({ run }) => run),
          { flags, signal, shard },
          shard ?? WHOLE,
        );
      },
      () => say(`finishing the samples in work; \`notice paper --out ${flags.out} …\` goes on from there`),
    );
    if (measured) return;
    if (shard) return await finishAll(runs, shard, stages!, flags.out);
    await beside(runs, flags);
  } finally {
    for (const { run } of runs) run[Symbol.dispose]();
  }
}

/** Says in each run's folder that its shard is done. */
async function finishAll(
  runs: readonly { readonly run: StudyRun }[],
  shard: Shard,
  stages: readonly ShardedStage[],
  out: string,
): Promise<void> {
  const { finishShard } = await import("../study/shard-record.js");
  for (const [i, { run }] of runs.entries()) {
    run[Symbol.dispose]();
    await finishShard(run.folder, shard, stages[i]!);
  }
  print(`${out}: this shard is done; \`notice merge\` puts the shards together, of each data set.\n`);
}

async function namesIn(data: string): Promise<string[]> {
  try {
    return await readdir(data);
  } catch (error) {
    throw isFileError(error) ? fileError(data, "read", error) : error;
  }
}

async function openRun(
  set: PaperDataset & { readonly folder: string },
  { out, data, model, n, seed, ...as }: PaperFlags,
) {
  const { StudyRun } = await import("../study/run.js");
  const settings = {
    model,
    seed,
    dataset: [set.dataset],
    data: join(data, set.folder),
    n: Math.min(n ?? set.n, set.n),
  };
  // Gradients are no part of the paper, and cost as much again.
  return StudyRun.open(join(out, set.dataset), { ...settings, ...loadedAs(as), attribution: false });
}

/** @returns whether it stopped because only the estimate was wanted. */
async function runAll(
  runs: readonly StudyRun[],
  course: Course & { readonly flags: PaperFlags },
  part: Shard,
): Promise<boolean> {
  const { flags, signal } = course;
  const { pacing } = await import("../study/paper.js");
  const { countUnpatched } = await import("../study/queries/samples.js");
  const watch = stderrWatch();
  const enough = new AbortController();
  signal.addEventListener("abort", () => enough.abort(signal.reason), { once: true });
  for (const run of runs) await doStages(run, BEFORE, watch, course);
  const left = await Promise.all(runs.map((run) => countUnpatched(run.store, part)));
  const pending = sum(left);
  const paced = pacing(watch, {
    pending,
    say({ rate, hours }) {
      say(`${rate.toFixed(1)} samples a minute: about ${hours.toFixed(1)} hours for the ${pending} samples to patch`);
      if (flags.estimate) enough.abort(ESTIMATED);
    },
  });
  try {
    for (const run of runs)
      await doStages(run, STAGES.slice(BEFORE.length), paced, { ...course, signal: enough.signal });
  } catch (error) {
    if (error === ESTIMATED) return true;
    throw error;
  }
  return false;
}

const ESTIMATED = new Error("Only the estimate was wanted.");

interface Beside {
  readonly dataset: string;
  readonly published: { readonly samples: number; readonly place: string };
  readonly samples: number;
  readonly report: string;
  readonly circuits: readonly PublishedCircuit[];
}

/** What was found, beside what the paper and its code say. */
async function beside(runs: readonly { readonly set: PaperDataset; readonly run: StudyRun }[], flags: PaperFlags) {
  const { PAPER_HEADS } = await import("../study/paper.js");
  const { readFindings } = await import("../study/findings.js");
  const { countUnpatched, selectedSamples } = await import("../study/queries/samples.js");
  const { readPublished } = await import("../study/published.js");
  const found: Beside[] = [];
  const circuits: PublishedCircuit[] = [];
  for (const { set, run } of runs) {
    const [selected, left] = [(await selectedSamples(run.store)).length, await countUnpatched(run.store)];
    const own = await readPublished(run);
    circuits.push(...own);
    const file = await report(run, await readFindings(run));
    const { dataset, n, place } = set;
    found.push({ dataset, published: { samples: n, place }, samples: selected - left, report: file, circuits: own });
  }
  const table = () => {
    const rows = found.map(({ dataset, published, samples }) => [dataset, `${published.samples}`, `${samples}`]);
    const places = found.map(({ dataset, published: { place } }) => `${dataset}: ${place}\n`).join("");
    const said = `the paper: ${PAPER_HEADS.heads.join(", ")} (${PAPER_HEADS.place})\n`;
    const files = found.map((one) => `${one.report}\n`).join("");
    return `${columns(rows, ["data set", "samples, published", "ours"])}${places}\n${said}${publishedTable(circuits)}\n${files}`;
  };
  await printResult({ model: flags.model, published: PAPER_HEADS, runs: found }, table, flags);
}
