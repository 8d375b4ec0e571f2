import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { parse } from "uvu/parse";
import { run } from "uvu/run";

// What start.mjs runs once all is compiled: all test files, or those whose path matches a pattern. They are dealt out
// to processes, one a core, those that take longest first. uvu says "passed" of a suite whose `before` hook threw,
// having run none of its tests; here that fails.

/** What takes longest, longest first; of all others it matters little. */
const LONGEST = [
  "study/study",
  "executors/processes",
  "study/screen",
  "torture/torture",
  "fuzz/fuzz",
  "patching/rows",
  "cli/cli",
  "executors/sweep-pairs",
  "cli/pair-lists",
  "weights/scenes",
  "bench/memory",
  "report/report",
  "docs",
  "docs-repl",
  "readme",
  "patching/sweep",
  "patching/patch",
].map((name) => `${name}.test.ts`);

/** What a process says of a file. */
interface Report {
  readonly output: string;
  readonly passed: number;
  readonly total: number;
  /** Why it is not right, if it is not. */
  readonly wrong?: string;
}

const [pattern = String.raw`\.test\.tsx?$`] = process.argv.slice(2);
const suites = (await parse("test", pattern)).suites.filter(({ name }) => /\.tsx?$/.test(name));
if (process.send) process.on("message", takeFile).send?.("ready");
else if (suites.length === 0) fail(`No test file matches ${pattern}.`);
else await dealFiles();

interface Count {
  passed: number;
  total: number;
  /** Of each file. */
  seconds: [string, number][];
}

function rank(name: string): number {
  const at = LONGEST.indexOf(name);
  return at < 0 ? LONGEST.length : at;
}

async function dealFiles(): Promise<void> {
  const names = suites.map(({ name }) => name).sort((a, b) => rank(a) - rank(b));
  const count: Count = { passed: 0, total: 0, seconds: [] };
  const processes = Math.min(availableParallelism(), 4, names.length);
  const begun = performance.now();
  await Promise.all(Array.from({ length: processes }, () => runProcess(names, count)));
  const seconds = ((performance.now() - begun) / 1e3).toFixed(0);
  const longest = count.seconds.sort(([, a], [, b]) => b - a).slice(0, 5);
  const slow = longest.map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`).join(", ");
  process.stdout.write(`\n${count.passed} of ${count.total} tests passed in ${seconds} s; longest: ${slow}\n`);
}

/** A process that takes one file after the other, until all are taken. */
function runProcess(names: string[], count: Count): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [pattern], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let current: string | undefined;
  let since = 0;
  child.on("message", (report: Report | "ready") => {
    if (report !== "ready") {
      process.stdout.write(report.output);
      count.passed += report.passed;
      count.total += report.total;
      count.seconds.push([current!, (performance.now() - since) / 1e3]);
      if (report.wrong !== undefined) fail(`${current}: ${report.wrong}`);
    }
    current = names.shift();
    since = performance.now();
    child.send(current ?? "");
  });
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      if (current !== undefined) fail(`${current} ended its process (${signal ?? `exit code ${code}`}).`);
      resolve();
    }),
  );
}

async function takeFile(name: string): Promise<void> {
  // What a test left open does not keep the process.
  if (name === "") process.exit();
  const write = process.stdout.write;
  let output = "";
  process.stdout.write = ((text: string) => {
    output += text;
    return true;
  }) as typeof write;
  try {
    (globalThis as { UVU_QUEUE?: unknown[] }).UVU_QUEUE = [];
    const file = fileURLToPath(new URL(name.replace(/\.tsx?$/, ".js"), import.meta.url));
    await run([{ name, file }]);
  } finally {
    process.stdout.write = write;
  }
  const counts = [...stripVTControlCharacters(output).matchAll(/\((\d+) \/ (\d+)\)/g)];
  const [passed, total] = [1, 2].map((group) => counts.reduce((sum, found) => sum + Number(found[group]), 0));
  const wrong = process.exitCode
    ? "a test failed."
    : counts.length === 0
      ? "it ran no tests: it lacks test.run()."
      : passed !== total
        ? "not all of its tests ran: a hook threw."
        : undefined;
  process.exitCode = 0;
  process.send!({ output: output.replace(/\n +Total:[\s\S]*$/, ""), passed, total, wrong } satisfies Partial<Report>);
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
