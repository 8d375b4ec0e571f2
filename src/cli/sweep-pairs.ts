import { resolve } from "node:path";
import type { PairInput } from "../blip.js";
import { countLines } from "../data/jsonl.js";
import { type PairLine, readPairs } from "../data/pairs.js";
import { NoticeError } from "../errors.js";
import { writeWhole } from "../files/write.js";
import type { Mode } from "../patching/pair.js";
import type { Site } from "../patching/sites.js";
import type { PoolSweep } from "../pool/messages.js";
import { openPool, type Pool } from "../pool/pool.js";
import { downloadReport } from "./download.js";
import { oneLine } from "./one-line.js";
import { checkOutputs, type ModelOptions } from "./options.js";
import type { DirectionOptions, PairOptions } from "./pair-options.js";
import { type Progress, progress } from "./progress.js";
import type { TableCommandOptions } from "./score-table.js";
import { untilSignal } from "./until-signal.js";

export interface PairsOptions extends ModelOptions, PairOptions, DirectionOptions, TableCommandOptions {
  readonly pairs?: string;
  readonly out?: string;
  readonly workers?: number;
  readonly mode?: Mode;
  readonly screen?: number;
}

/** What became of the lines of a list. */
class Tally {
  swept = 0;
  refused = 0;
  died = 0;

  constructor(
    private readonly file: string,
    private readonly bar: Progress,
  ) {}

  add(): void {
    this.swept++;
    this.#update();
  }

  leaveOut(index: number, error: NoticeError): void {
    if (error.code === "worker") this.died++;
    else this.refused++;
    const clear = process.stderr.isTTY ? "\r\u001b[K" : "";
    process.stderr.write(`${clear}notice: ${oneLine(`${this.file} line ${index + 1}: ${error.message}`)}\n`);
    this.#update();
  }

  #update(): void {
    this.bar.update(this.swept + this.refused + this.died);
  }
}

/**
 * `notice sweep MODEL --pairs FILE --out FILE`: the results of a list of pairs, a line each, in their order.
 *
 * A line that is no pair, or whose pair the model refuses, is named on stderr and left out; the file of the others is
 * whole, and the command then ends with exit code 2 (1 where a pair killed two processes).
 */
export async function runPairs(model: string, site: Site, file: string, options: PairsOptions): Promise<void> {
  const { out, mode = "image" } = options;
  if (out === undefined || out === "-")
    throw new NoticeError("options", "--pairs needs --out with the file for the results.");
  await checkOutputs({ "--out": out });
  if (resolve(out) === resolve(file)) throw new NoticeError("options", "--out names the list of pairs itself.");
  const pairs = await readPairs(file, mode);
  // Read twice, for the bar's sake only.
  const bar = progress(process.stderr.isTTY ? await countLines(file) : 0, "sweep", "pairs");
  const tally = new Tally(file, bar);
  try {
    await untilSignal(async (signal) => {
      await using pool = await open(model, options, signal);
      const { layers, heads, position, together, direction, screen } = options;
      const sweeps = { site, layers, heads, position, together, direction, screen } as PoolSweep;
      const swept = pool.sweep(accepted(pairs, tally), sweeps, { ordered: true });
      await writeWhole(out, resultLines(swept, tally));
    });
  } finally {
    bar.stop();
  }
  const { swept, refused, died } = tally;
  const done = `${out} has the results of ${swept} pair${swept === 1 ? "" : "s"}`;
  const left = `${done}; ${refused + died} of ${file} are left out, each named above.`;
  if (died > 0) throw new Error(left);
  if (refused > 0) throw new NoticeError("options", left);
  process.stdout.write(`${done}\n`);
}

async function open(model: string, { workers, backend, memory }: PairsOptions, signal: AbortSignal): Promise<Pool> {
  const report = downloadReport();
  const warn = (message: string) => process.stderr.write(`notice: ${message}\n`);
  try {
    return await openPool(model, { workers, backend, memory, warn, signal, hub: { onProgress: report.update } });
  } finally {
    report.stop();
  }
}

async function* accepted(pairs: AsyncIterable<PairLine>, tally: Tally): AsyncGenerator<{ key: number } & PairInput> {
  for await (const { index, pair, refused } of pairs)
    if (refused) tally.leaveOut(index, refused);
    else yield { key: index, ...pair };
}

async function* resultLines(
  results: ReturnType<typeof Pool.prototype.sweep<number>>,
  tally: Tally,
): AsyncGenerator<string> {
  for await (const { key, scores, error } of results)
    if (error) tally.leaveOut(key, error);
    else {
      tally.add();
      yield `${JSON.stringify({ index: key, ...scores[0] })}\n`;
    }
  if (tally.swept === 0) throw new NoticeError("options", "There is no pair that could be swept.");
}
