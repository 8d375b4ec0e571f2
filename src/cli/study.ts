import { join } from "node:path";
import { Command } from "commander";
import { refuseForeign } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import { circuitHeads } from "../patching/circuits.js";
import { headName } from "../patching/head-place.js";
import type { StudyCircuits } from "../study/circuits.js";
import type { Findings } from "../study/findings.js";
import type { DatasetSummary } from "../study/queries/samples.js";
import type { StudyRun } from "../study/run.js";
import type { GivenSettings } from "../study/settings.js";
import type { Shard } from "../study/shard.js";
import { STAGES, type StageName, type Watch } from "../study/stage.js";
import { fixed2, fixed3 } from "./decimals.js";
import { functionTable } from "./function-table.js";
import { columns, listOf, loadedAs, type ModelOptions, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, type Outputs, printResult } from "./outputs.js";
import { executorOption, openQueueAt } from "./queue.js";
import { ruleTable, showRule } from "./rule-table.js";
import { say } from "./streams.js";
import { withStudySettings } from "./study-settings.js";
import { untilSignal } from "./until-signal.js";
import { stderrWatch } from "./watch.js";

type StudyFlags = GivenSettings &
  ModelOptions &
  Outputs & {
    readonly out: string;
    readonly settings?: string;
    readonly workers?: number;
    readonly executor?: string;
    readonly shard?: string;
    readonly compare?: readonly string[];
    readonly rule?: string;
  };

/** How stages are done. */
export interface Course {
  readonly flags: Pick<StudyFlags, "executor" | "backend" | "workers" | "memory">;
  readonly signal: AbortSignal;
  readonly shard: Shard | undefined;
}

const ABOUT = {
  prepare: "read the data sets into samples, with a reason for everything left out",
  evaluate: "ask the model every clean question",
  select: "choose a balanced set among the samples answered rightly",
  screen: "choose by gradients which heads are patched; only with --screen",
  patch: "sweep every selected sample in every modality and at every site",
  verify: "test circuits on samples that they were not found on",
  rules: "find circuits by several rules, and test each on other samples",
  circuits: "find circuits in the scores",
  report: "write report.html",
  study: `run all stages: ${STAGES.join(", ")}, circuits, report`,
} satisfies Record<StageName, string> & Record<string, string>;

type StudyCommand = keyof typeof ABOUT;

/** What a command runs, before circuits are read and the report is written. */
const stagesOf = (name: StudyCommand): readonly StageName[] =>
  name === "study" ? STAGES : STAGES.filter((stage) => stage === name);

/** `notice study` and its stages, which share one run folder and its settings. */
export function studyCommand(name: StudyCommand): Command {
  const command = new Command(name).description(ABOUT[name]);
  withStudySettings(command);
  if (["evaluate", "patch", "verify", "study"].includes(name))
    command.option(
      "--shard <i/n>",
      "only part i of n of the samples, or auto in a scheduler's array; `notice merge` puts the parts together",
    );
  if (name === "circuits")
    command.option("--rule <name>", "show the circuits by this rule alone; as-published: beside the corrected ones");
  if (name === "report") command.option("--compare <runs>", "run folders to compare it with, by commas", listOf);
  command.option("--workers <number>", "processes; default: as many as cores, if memory allows", wholeNumber);
  command.addOption(executorOption());
  command.addHelpText(
    "after",
    "\nGive an interrupted command again with the same --out, and it continues. The run folder keeps the settings.",
  );
  return withJson(withBackend(command)).action((flags: StudyFlags) => runStudy(name, flags));
}

/** The settings among the flags, over those of the file. */
async function givenSettings(flags: StudyFlags): Promise<GivenSettings> {
  const { checkSettings, readSettings } = await import("../study/settings.js");
  const { out, settings, workers, executor, shard, compare, rule, backend, memory, json, split, bits, ...flagged } =
    flags;
  const given = { ...flagged, ...loadedAs({ split, bits }) };
  const file = settings === undefined ? {} : await readSettings(settings);
  return { ...file, ...checkSettings(given, "The options") };
}

async function runStudy(name: StudyCommand, flags: StudyFlags): Promise<void> {
  await checkOutputs({ json: flags.json });
  const given = await givenSettings(flags);
  const { parseShard } = await import("../study/shard.js");
  const shard = flags.shard === undefined ? undefined : parseShard(flags.shard);
  const stage = await runIn(name, flags, given, shard);
  if (!shard || !stage) return;
  const { finishShard } = await import("../study/shard-record.js");
  await finishShard(flags.out, shard, stage);
  say(`${flags.out}: shard ${flags.shard} of ${stage} is done; \`notice merge\` puts the shards together`);
}

/** @returns of a shard which stage it did its part of. */
async function runIn(name: StudyCommand, flags: StudyFlags, given: GivenSettings, shard: Shard | undefined) {
  const { StudyRun } = await import("../study/run.js");
  const begins = name === "prepare" || name === "study";
  using run = await (begins ? StudyRun.open(flags.out, given) : StudyRun.reopen(flags.out, given));
  // Once more: its folder may be no run before.
  await checkOutputs({ json: flags.json });
  const again = `notice ${name} --out ${flags.out}`;
  const onSignal = () =>
    process.stderr.write(
      `\nnotice: finishing the samples in work; \`${again}\` goes on from there. Again stops at once.\n`,
    );
  const { stageAt } = await import("../study/round.js");
  const stages = stagesOf(name);
  const stage = shard && (await stageAt(run, stages));
  await untilSignal(async (signal) => {
    if (stages.length > 0) await fetchModel(run, signal);
    await doStages(run, stages, stages.length > 1 ? loadingReport(stderrWatch()) : stderrWatch(), {
      flags,
      signal,
      shard,
    });
  }, onSignal);
  const { readFindings, summarise } = await import("../study/findings.js");
  const { headFunctionFacts } = await import("../study/head-functions.js");
  const datasets = await summarise(run);
  if (shard || stages.length === 1) {
    await printResult({ run: flags.out, datasets }, () => datasetTable(datasets), flags);
    return stage;
  }
  const found = await readFindings(run);
  // The points of figures are no findings.
  const functions = await headFunctionFacts(run, found.circuits);
  const told = { ...found, functions, attribution: found.attribution.map(({ places: _, ...one }) => one) };
  const file = join(flags.out, "circuits.json");
  await refuseForeign(file, "json");
  await writeWhole(file, `${JSON.stringify(told, null, 1)}\n`);
  const files = name === "circuits" ? {} : { report: await report(run, found, flags.compare) };
  const table = () => [
    datasetTable(datasets),
    circuitTable(found),
    verifiedTable(found),
    functionTable(told.functions),
    ruleTable(found),
    ...Object.values(files).map((file) => `${file}\n`),
  ];
  if (flags.rule !== undefined) await showRule(run, found, flags.rule, flags);
  else await printResult({ run: flags.out, datasets, ...told, ...files }, () => table().join("\n"), flags);
  return undefined;
}

/** By what flags name: processes, or a queue, opened before anything is done, so that a wrong address is told at once. */
export async function doStages(
  run: StudyRun,
  stages: readonly StageName[],
  watch: Watch,
  { flags, signal, shard }: Course,
): Promise<void> {
  const { runStages } = await import("../study/study.js");
  const { executor: url, backend, workers, memory } = flags;
  const { model, split, bits } = run.settings;
  const open = async (url: string) =>
    openQueueAt(url, { folder: await run.modelFolder({ signal }), model }, { backend, workers, split, bits, signal });
  await using executor = url === undefined ? undefined : await open(url);
  await runStages(run, stages, { watch, signal, shard, ...(executor ? { executor } : { backend, workers, memory }) });
}

/** What a hub id stands for is downloaded before the first stage, with a bar. */
async function fetchModel(run: StudyRun, signal: AbortSignal): Promise<void> {
  const { downloadReport } = await import("./download.js");
  const bar = downloadReport();
  try {
    await run.modelFolder({ onProgress: bar.update, onWait: say, signal });
  } catch (error) {
    if (!signal.aborted) await run.forget();
    throw error;
  } finally {
    bar.stop();
  }
}

/** The same, and what the report is written with is loaded while processes compute the last stage. */
function loadingReport(watch: Watch): Watch {
  const load = async () => {
    const { loadVega } = await import("../report/figure.js");
    await Promise.all([import("../report/gather.js"), import("../report/report.js"), loadVega()]);
  };
  return {
    ...watch,
    begin(stage, total) {
      if (stage === STAGES.at(-1)) load().catch(() => {}); // it is told where the report is written
      return watch.begin(stage, total);
    },
  };
}

/** Writes the report of a run. */
export async function report(run: StudyRun, found: Findings, compare: readonly string[] = []): Promise<string> {
  const { gatherReport } = await import("../report/gather.js");
  const { writeReport } = await import("../report/report.js");
  const { reopenAll } = await import("../study/run.js");
  const others = await reopenAll(compare);
  try {
    return await writeReport(await gatherReport(run, found, others), run.folder);
  } finally {
    for (const other of others) other[Symbol.dispose]();
  }
}

function datasetTable(datasets: readonly DatasetSummary[]): string {
  const rows = datasets.map(({ dataset, samples, excluded, asked, correct, selected, patched }) => {
    const accuracy = asked === 0 ? "-" : `${((100 * correct) / asked).toFixed(1)}%`;
    return [dataset, samples, excluded, asked, accuracy, selected, patched];
  });
  return columns(rows, ["data set", "samples", "left out", "asked", "right", "selected", "patched"]);
}

/** Heads of each circuit, largest first; then those that are in all circuits of a site. */
function circuitTable({ circuits, universal }: StudyCircuits): string {
  const rows = circuits.map(({ dataset, modality, site, circuit }) => {
    const heads = circuitHeads(circuit);
    const names = heads.map((head) => `${headName(head)} ${head.mean.toFixed(2)}`).join(", ");
    return [dataset, modality, site, `${circuit.samples}`, names || "none"];
  });
  const shared = universal.map(({ site, universality: { names, heads } }) => {
    const several = heads.filter(({ circuits }) => circuits.length > 1);
    const found = several.map((head) => `${headName(head)} in ${head.circuits.length}`).join(", ");
    return `${site}: ${found || "no head in more than one"} of ${names.length} circuits\n`;
  });
  return `${columns(rows, ["data set", "modality", "site", "n", "circuit"])}\n${shared.join("")}`;
}

/** What the circuits keep of the answer on samples that they were not found on. */
function verifiedTable({ verified }: Findings): string {
  if (verified.length === 0) return "No circuit was tested.\n";
  const rows = verified.map(({ dataset, modality, tested, heads, of, kept, none, random, pValue, needed }) => [
    ...[dataset, modality, tested, `${heads.length} of ${of}`, fixed2(kept), fixed2(none)],
    ...[fixed2(random), fixed3(pValue), needed],
  ]);
  const header = ["data set", "modality", "n", "circuit", "kept", "no head", "random", "p", "heads for 85%"];
  return `on samples that the circuits were not found on\n${columns(rows, header)}`;
}
