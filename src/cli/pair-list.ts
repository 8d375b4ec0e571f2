import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { NoticeError } from "../base/errors.js";
import { countLines } from "../data/jsonl.js";
import { type PairLine, readPairs } from "../data/pairs.js";
import { type Executor, each, type Outcome } from "../executors/executor.js";
import { openPool } from "../executors/processes.js";
import { resolveModel } from "../files/hub.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { PairInput } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import { shuffledPairs } from "../patching/nulls.js";
import type { Mode, Pair } from "../patching/pair.js";
import { downloadReport } from "./download.js";
import { aloneAt, KeptResults, type Made, refuseResults } from "./kept-results.js";
import { loadOptions, type ModelOptions, wholeNumber } from "./options.js";
import { checkOutputs, isFile, writeTo } from "./outputs.js";
import { type OnePairOptions, withOnePair } from "./pair-options.js";
import { progress } from "./progress.js";
import { executorOption, openQueueAt } from "./queue.js";
import { jsonLine, say } from "./streams.js";
import { Tally } from "./tally.js";
import { untilSignal } from "./until-signal.js";

export interface PairListOptions extends ModelOptions {
  readonly pairs?: string;
  readonly out?: string;
  readonly mode?: Mode;
  readonly workers?: number;
  readonly executor?: string;
  readonly data?: string;
  readonly shuffled?: number;
}

/** The options for a list of pairs in the place of one. */
export function withPairList(command: Command, conflicts: readonly string[]): Command {
  return command
    .addOption(
      new Option(
        "--pairs <file>",
        "instead of one pair: a JSONL list, as `notice scenes` writes its pairs.jsonl",
      ).conflicts(["image", "corruptImage", "question", "corruptQuestion", "answers", ...conflicts]),
    )
    .option(
      "--out <file>",
      "with --pairs: write results as JSONL, one line for each pair, with its index in the list; - for standard output. " +
        "If the command is interrupted, FILE.partial has what is done, and the same command goes on",
    )
    .addOption(
      new Option("--mode <mode>", "with --pairs: corrupt the image or the text; default: image").choices([
        "image",
        "text",
      ]),
    )
    .option("--data <folder>", "with --pairs: pictures may lie below this folder too, absolute paths among them")
    .option(
      "--shuffled <seed>",
      "with --pairs, as a control: each picture with the corrupt picture of another pair of the list",
      wholeNumber,
    )
    .option("--workers <number>", "with --pairs: processes; default: as many as cores, if memory allows", wholeNumber)
    .addOption(executorOption("with --pairs: "))
    .addHelpText(
      "after",
      "\nOf a list, lines that are no pair are named and left out. Exit code 0: all done; 2: some input was refused.",
    );
}

/** What a command does with a list of pairs, and with one. */
interface ListOrOne {
  list(file: string): Promise<void>;
  one(pair: Pair, loaded: Model, input: PairInput): Promise<void>;
}

/** @throws NoticeError `options` where options of a list are given without one, and as `pairInput`. */
export async function withListOrOne(
  model: string,
  options: PairListOptions & OnePairOptions,
  { list, one }: ListOrOne,
): Promise<void> {
  const { pairs, out, mode, workers, executor, data, shuffled } = options;
  if (pairs !== undefined && shuffled !== undefined && mode === "text")
    throw new NoticeError("options", "--shuffled exchanges corrupt pictures; leave --mode text out.");
  if (pairs !== undefined) return list(pairs);
  if ([out, mode, workers, executor, data, shuffled].some((given) => given !== undefined))
    throw new NoticeError("options", "--out, --mode, --data, --shuffled, --workers and --executor go with --pairs.");
  await withOnePair(model, options, one, { instead: ", or a list of --pairs" });
}

/**
 * Refuses, before the long work, a file of results that could not be written after it, or that is the list itself.
 *
 * @throws NoticeError `options`
 */
export async function checkListOutputs(
  lists: readonly string[],
  { out, json }: { readonly out?: string; readonly json?: string },
): Promise<void> {
  if (out !== undefined && lists.some((list) => resolve(list) === resolve(out)))
    throw new NoticeError("options", "--out names the list of pairs itself.");
  await checkOutputs({ out, json });
  await refuseResults(out);
}

/**
 * Starts processes, or takes a queue, for the time of the work; Ctrl-C ends both in order.
 *
 * @throws NoticeError `options` where another process is writing the results, or has written them meanwhile.
 */
export async function withExecutor(
  model: string,
  { workers, executor: url, ...options }: PairListOptions,
  work: (executor: Executor) => Promise<void>,
): Promise<void> {
  await untilSignal(async (signal) => {
    const report = downloadReport();
    const hub = { onProgress: report.update, onWait: say };
    const open = async (): Promise<Executor> => {
      if (url === undefined) return openPool(model, { workers, ...loadOptions(options), signal, hub });
      const folder = await resolveModel(model, { ...hub, signal });
      return openQueueAt(url, { folder, model }, { ...options, workers, signal });
    };
    await aloneAt(options.out, async () => {
      await using executor = await open().finally(() => report.stop());
      await work(executor);
    });
  });
}

/** A list to go through, and what for. */
export interface PairList {
  readonly file: string;
  readonly mode?: Mode;
  /** Where its pictures may lie too. */
  readonly data?: string | undefined;
  /** For the results, a line a pair; without it they are only handed to `take`. */
  readonly out?: string;
  /** Of what the results are, so that an interrupted command can go on. */
  readonly made: Made;
  /** Keeps results beside this file until the caller removes them. Default: beside `out`, until that is written. */
  readonly keep?: string;
  /** Such as "sweep", before the bar. */
  readonly label: string;
  /** Which lines, counted from 0. Default: all. */
  readonly takes?: (index: number) => boolean;
}

/** What is done with every pair. */
export interface PairJob<Name extends JobName> {
  readonly name: Name;
  readonly inputOf: (pair: PairInput) => Jobs[Name]["input"];
}

/**
 * Goes through a list of pairs, whose results come in its order. A line that is no pair, or whose pair the model
 * refuses, is named on stderr and left out; the file of the others is whole. Until it is, they are kept beside it.
 *
 * @param take given every result; what it returns is the line of `out`, behind the pair's index.
 * @throws NoticeError `options` where no pair is left, or other results are kept beside `out`.
 */
export async function throughPairs<Name extends JobName>(
  executor: Executor,
  job: PairJob<Name>,
  { file, mode = "image", data, out, made, keep, label, takes = () => true }: PairList,
  take: (output: Jobs[Name]["output"]) => object,
): Promise<Tally> {
  const pairs = await readPairs(file, mode, data);
  const { shuffled } = made;
  const beside = keep ?? (isFile(out) ? out : undefined);
  const kept = beside === undefined ? undefined : await KeptResults.open(beside, job.name, made);
  // Read twice, for the bar's sake only.
  const bar = progress(process.stderr.isTTY ? await countLines(file) : 0, label, "pairs");
  const tally = new Tally(file, bar);
  async function* lines(): AsyncGenerator<string> {
    const inputs = each(
      accepted(shuffled === undefined ? pairs : exchanged(pairs, shuffled), tally, takes),
      job.inputOf,
    );
    for await (const { key, output, error } of outcomes(executor, job.name, inputs, kept))
      if (error) tally.leaveOut(key, error);
      else {
        tally.add();
        yield jsonLine({ index: key, ...take(output) });
      }
    if (tally.done > 0) return;
    await kept?.remove();
    throw new NoticeError("options", "There is no pair left that could be used.");
  }
  try {
    if (out === undefined) for await (const _ of lines());
    else await writeTo(out, "jsonl", lines());
    await (keep === undefined ? kept?.remove() : kept?.close());
  } catch (error) {
    await kept?.close();
    bar.stop();
    if (tally.done > 0) kept?.tell();
    throw error;
  } finally {
    bar.stop();
  }
  return tally;
}

/** What an earlier run kept of the first pairs, then what the executor finds of the others. */
async function* outcomes<Name extends JobName>(
  executor: Executor,
  name: Name,
  inputs: AsyncGenerator<{ readonly key: number; readonly input: Jobs[Name]["input"] }>,
  kept: KeptResults<Name> | undefined,
): AsyncGenerator<{ readonly key: number } & Outcome<Jobs[Name]["output"]>> {
  const given = new Map<number, Jobs[Name]["input"]>();
  let first: { readonly key: number; readonly input: Jobs[Name]["input"] } | undefined;
  // A list that is gone through by two loops closes when both are done with it.
  const take = async () => {
    const item = await inputs.next();
    return item.done ? undefined : item.value;
  };
  async function* rest() {
    for (let item = first; item; item = await take()) {
      given.set(item.key, item.input);
      yield item;
    }
  }
  try {
    for (first = await take(); kept && first; first = await take()) {
      const found = await kept.next(first.key, first.input);
      if (!found) break;
      yield { key: first.key, ...found };
    }
    for await (const found of executor.perform(name, rest(), { ordered: true })) {
      await kept?.add(found.key, given.get(found.key)!, found);
      given.delete(found.key);
      yield found;
    }
  } finally {
    inputs.return(undefined).catch(() => {});
  }
}

async function* accepted(
  pairs: AsyncIterable<PairLine>,
  tally: Tally,
  takes: (index: number) => boolean,
): AsyncGenerator<{ key: number } & PairInput> {
  for await (const { index, pair, refused } of pairs) {
    if (!takes(index)) continue;
    if (refused) tally.leaveOut(index, refused);
    else yield { key: index, ...pair };
  }
}

/** The lines with each other's corrupt pictures. */
async function* exchanged(lines: AsyncIterable<PairLine>, seed: number): AsyncGenerator<PairLine> {
  const all: PairLine[] = [];
  for await (const line of lines) all.push(line);
  const shuffled = shuffledPairs(
    all.flatMap(({ pair }) => pair ?? []),
    { seed },
  ).values();
  for (const line of all) yield line.refused ? line : { index: line.index, pair: shuffled.next().value! };
}

/** Of a table, that its pairs are a control. */
export const shuffledBy = (seed: number | undefined): string =>
  seed === undefined ? "" : `; each picture with another's corrupt picture (--shuffled ${seed})`;

/** What of a command its results depend on, beside the pairs and what is asked of them. */
export const madeBy = (model: string, { backend, split, bits, shuffled }: PairListOptions): Made => ({
  ...{ model, backend, split, bits, shuffled },
});
