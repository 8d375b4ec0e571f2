import { createHash } from "node:crypto";
import { type FileHandle, open, rm, stat, truncate } from "node:fs/promises";
import { NoticeError, type NoticeErrorCode } from "../base/errors.js";
import { fileLines } from "../data/jsonl.js";
import type { Outcome } from "../executors/executor.js";
import { withLock } from "../files/lock.js";
import { packageVersion } from "../files/package.js";
import { findFile } from "../files/read.js";
import { JOBS, type JobName, type Jobs } from "../jobs/jobs.js";
import { isFile } from "./outputs.js";
import { jsonLine, say } from "./streams.js";

/** What makes results those of one command; the pairs and what is asked of them stand in every line. */
export interface Made {
  readonly model: string;
  readonly backend?: string | undefined;
  readonly split?: boolean | undefined;
  readonly bits?: number | undefined;
  /** By which seed the corrupt pictures of the list are exchanged. */
  readonly shuffled?: number | undefined;
}

/** The longest line that is read back. */
export const MAX_LINE_BYTES = 1 << 28;

interface KeptLine {
  readonly index: number;
  readonly asked: string;
  readonly output?: unknown;
  readonly refused?: { readonly code: NoticeErrorCode; readonly message: string };
}

/**
 * The results of a list as they come, in its order, in a file beside the output. A command that was interrupted takes
 * them from there when it is given again.
 */
export class KeptResults<Name extends JobName> {
  #file: FileHandle | undefined;
  #earlier: AsyncGenerator<KeptLine, void, undefined> | undefined;
  /** How many are in the file. */
  #count = 0;

  private constructor(
    readonly path: string,
    private readonly name: Name,
    private readonly header: string,
  ) {}

  /** @param out the file of the whole results. @throws NoticeError `options` where other results are kept there. */
  static async open<Name extends JobName>(out: string, name: Name, made: Made): Promise<KeptResults<Name>> {
    const header = jsonLine({ partial: name, version: packageVersion(), ...made });
    const kept = new KeptResults(`${out}.partial`, name, header);
    if (!(await findFile(kept.path))) return kept;
    await dropCutLine(kept.path);
    kept.#earlier = kept.#read();
    return kept;
  }

  /** What an earlier run found of the next pair; undefined where it came no further. */
  async next(index: number, input: Jobs[Name]["input"]): Promise<Outcome<Jobs[Name]["output"]> | undefined> {
    const found = await this.#earlier?.next();
    if (!found || found.done) {
      if (this.#earlier && this.#count > 0) say(`${this.path} has ${this.#count} results of an earlier run.`);
      this.#earlier = undefined;
      return undefined;
    }
    const { index: at, asked, output, refused } = found.value;
    if (at !== index || asked !== hashOf(input)) throw this.#foreign();
    this.#count++;
    return refused
      ? { error: new NoticeError(refused.code, refused.message) }
      : { output: JOBS[this.name].receive(output) as Jobs[Name]["output"] };
  }

  /** Keeps what was found of a pair. */
  async add(index: number, input: Jobs[Name]["input"], outcome: Outcome<Jobs[Name]["output"]>): Promise<void> {
    const { output, error } = outcome;
    const found = error
      ? { refused: { code: error.code, message: error.message } }
      : { output: JOBS[this.name].send(output) };
    if (!this.#file) {
      this.#file = await open(this.path, "a");
      if ((await this.#file.stat()).size === 0) await this.#file.appendFile(this.header);
    }
    await this.#file.appendFile(jsonLine({ index, asked: hashOf(input), ...found }));
    this.#count++;
  }

  /** Closes the file, which stays. */
  async close(): Promise<void> {
    await this.#earlier?.return();
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Says where the results are. */
  tell(): void {
    if (this.#count > 0) say(`${this.#count} results are kept in ${this.path}: the same command goes on from there.`);
  }

  /** Removes the file, when the whole results are written. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async *#read(): AsyncGenerator<KeptLine, void, undefined> {
    let header: string | undefined;
    for await (const line of fileLines(this.path, MAX_LINE_BYTES)) {
      const text = new TextDecoder().decode(line);
      if (header !== undefined) yield this.#parse(text);
      else if (`${text}\n` !== this.header) throw this.#foreign();
      header ??= text;
    }
  }

  #parse(text: string): KeptLine {
    try {
      return JSON.parse(text) as KeptLine;
    } catch {
      throw this.#foreign();
    }
  }

  #foreign(): NoticeError {
    return new NoticeError(
      "options",
      `${this.path} has results of another command or list. Give another --out, or move it away.`,
    );
  }
}

/** @throws NoticeError `options` where a run has written its results. */
export async function refuseResults(out: string | undefined): Promise<void> {
  if (isFile(out) && ((await stat(out).catch(() => undefined))?.size ?? 0) > 0)
    throw new NoticeError(
      "options",
      `--out ${out} has the results of a run already: give another name, or move it away.`,
    );
}

/**
 * Works while no other process writes the same results: both would keep theirs in one file.
 *
 * @throws NoticeError `options` where one does, or has written them meanwhile.
 */
export async function aloneAt(out: string | undefined, work: () => Promise<void>): Promise<void> {
  if (!isFile(out)) return work();
  const refuse = () => {
    throw new NoticeError("options", `Another process is writing --out ${out}. Wait for it, or give another name.`);
  };
  const whenFree = async () => {
    await refuseResults(out);
    await work();
  };
  await withLock(`${out}.lock`, whenFree, { sleep: refuse });
}

const hashOf = (input: unknown) => createHash("sha256").update(JSON.stringify(input)).digest("hex").slice(0, 16);

/** A line that a killed process did not finish. */
async function dropCutLine(path: string): Promise<void> {
  const file = await open(path);
  let whole = (await file.stat()).size;
  const at = Buffer.alloc(65_536);
  try {
    for (; whole > 0; ) {
      const from = Math.max(0, whole - at.length);
      const { bytesRead } = await file.read(at, 0, whole - from, from);
      const end = at.subarray(0, bytesRead).lastIndexOf(10);
      if (end >= 0) {
        whole = from + end + 1;
        break;
      }
      whole = from;
    }
  } finally {
    await file.close();
  }
  await truncate(path, whole);
}
