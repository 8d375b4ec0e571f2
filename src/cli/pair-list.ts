import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { NoticeError } from "../base/errors.js";
import type { Executor } from "../executors/executor.js";
import { openPool } from "../executors/processes.js";
import { resolveModel } from "../files/hub.js";
import type { PairInput } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import type { Mode, Pair } from "../patching/pair.js";
import { downloadReport } from "./download.js";
import { aloneAt, type Made, refuseResults } from "./kept-results.js";
import { loadOptions, type ModelOptions, wholeNumber } from "./options.js";
import { checkOutputs } from "./outputs.js";
import { type OnePairOptions, withOnePair } from "./pair-options.js";
import { executorOption, openQueueAt } from "./queue.js";
import { say } from "./streams.js";
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

/** Of a table, that its pairs are a control. */
export const shuffledBy = (seed: number | undefined): string =>
  seed === undefined ? "" : `; each picture with another's corrupt picture (--shuffled ${seed})`;

/** What of a command its results depend on, beside the pairs and what is asked of them. */
export const madeBy = (model: string, { backend, split, bits, shuffled }: PairListOptions): Made => ({
  ...{ model, backend, split, bits, shuffled },
});
