import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runTestFile } from "./test-file.js";

// Which test files reach which places of the compiled sources, as V8 saw it. It is kept in the temporary folder; a test
// file is run anew once it or a file that it loaded has changed.

/** What a test file reached. */
export interface Coverage {
  /** From `test/`, compiled. */
  readonly test: string;
  readonly seconds: number;
  /**
   * Of each compiled file that it loaded, by its path: the hash of the file, and [from, to) of every place that it ran.
   */
  readonly files: Readonly<Record<string, { readonly hash: string; readonly ran: readonly [number, number][] }>>;
}

/** A process's record, as Node writes it for NODE_V8_COVERAGE. */
interface Recorded {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

const MOST_SECONDS = 900;

/** The coverage of the test files, compiled in a folder. */
export async function coverageOf(tests: readonly string[], folder: string): Promise<Coverage[]> {
  const kept = join(tmpdir(), "notice-mutation");
  mkdirSync(kept, { recursive: true });
  const all: Coverage[] = [];
  for (const test of tests) {
    const path = join(kept, `${hash(test).slice(0, 16)}.json`);
    const known: Coverage | undefined = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
    const coverage = known && isCurrent(known, folder) ? known : await runCovered(test, folder);
    if (coverage === undefined) continue;
    if (coverage !== known) writeFileSync(path, JSON.stringify(coverage));
    all.push(coverage);
  }
  return all.sort((a, b) => a.seconds - b.seconds);
}

/** Whether a test file ran a place of a compiled file. */
export function reaches({ files }: Coverage, file: string, offset: number): boolean {
  return files[file]?.ran.some(([from, to]) => from <= offset && offset < to) ?? false;
}

function isCurrent({ files }: Coverage, folder: string): boolean {
  return Object.entries(files).every(([file, known]) => {
    const path = join(folder, file);
    return existsSync(path) && hash(readFileSync(path)) === known.hash;
  });
}

async function runCovered(test: string, folder: string): Promise<Coverage | undefined> {
  const records = mkdtempSync(join(tmpdir(), "notice-coverage-"));
  try {
    const { failed, seconds } = await runTestFile(join(folder, test), MOST_SECONDS, { NODE_V8_COVERAGE: records });
    process.stdout.write(`${test} ${seconds.toFixed(1)} s${failed ? `, ${failed}: left out` : ""}\n`);
    if (failed) return undefined;
    const painted = new Map<string, Uint8Array>();
    for (const name of readdirSync(records))
      paint(JSON.parse(readFileSync(join(records, name), "utf8")), folder, painted);
    const files = [...painted].map(([file, ran]) => {
      const value = { hash: hash(readFileSync(join(folder, file))), ran: intervals(ran) };
      return [file, value] as const;
    });
    return { test, seconds, files: Object.fromEntries(files) };
  } finally {
    rmSync(records, { recursive: true, force: true });
  }
}

/** Marks each character that a process ran. Ranges come outermost first. */
function paint({ result }: Recorded, folder: string, painted: Map<string, Uint8Array>): void {
  for (const { url, functions } of result) {
    if (!url.startsWith("file:")) continue;
    const file = relative(folder, fileURLToPath(url));
    if (!/^(src|test)/.test(file)) continue;
    const length = readFileSync(join(folder, file), "utf8").length;
    const ran = new Uint8Array(length);
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges) ran.fill(Math.min(count, 1), startOffset, endOffset);
    const before = painted.get(file);
    if (before === undefined) painted.set(file, ran);
    else for (let at = 0; at < length; at++) before[at] ||= ran[at]!;
  }
}

function intervals(ran: Uint8Array): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at < ran.length; at++) {
    if (!ran[at]) continue;
    const from = at;
    while (ran[at]) at++;
    found.push([from, at]);
  }
  return found;
}

function hash(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
