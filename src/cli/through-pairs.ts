import { NoticeError } from "../base/errors.js";
import { countLines } from "../data/jsonl.js";
import { type PairLine, readPairs } from "../data/pairs.js";
import { type Executor, each, type Outcome } from "../executors/executor.js";
import type { JobName, Jobs } from "../jobs/jobs.js";
import type { PairInput } from "../patching/inputs.js";
import { shuffledPairs } from "../patching/nulls.js";
import type { Mode } from "../patching/pair.js";
import { KeptResults, type Made } from "./kept-results.js";
import { isFile, writeTo } from "./outputs.js";
import { progress } from "./progress.js";
import { jsonLine } from "./streams.js";
import { Tally } from "./tally.js";

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
