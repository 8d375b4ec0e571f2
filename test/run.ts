import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { parse } from "uvu/parse";
import { run } from "uvu/run";

// `npm test`, or `npm test -- PATTERN` for the files whose path matches. The files are dealt out to processes, one a core at a
// time, whose output comes one after the other. uvu says "passed" of a suite whose `before` hook threw, having run none of its tests; here that fails.

const [pattern = String.raw`\.test\.ts$`, part] = process.argv.slice(2);
const { suites } = await parse("test", pattern);
let next = 0;
const parts = Math.min(8, suites.length);
if (suites.length === 0) fail(`No test file matches ${pattern}.`);
else if (part === undefined) await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, takeParts));
else await runSuites(suites.filter((_, i) => i % parts === Number(part)));

/** One after the other, until all are taken. */
async function takeParts(): Promise<void> {
  while (next < parts) await runPart(`${next++}`);
}

/** A process with its part of the files. */
function runPart(index: string): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [pattern, index], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const output: Buffer[] = [];
  for (const stream of [child.stdout!, child.stderr!]) stream.on("data", (text) => output.push(text));
  return new Promise((resolve) =>
    child.on("close", (code) => {
      process.stdout.write(Buffer.concat(output));
      if (code !== 0) fail(`Part ${index} of the tests failed (exit code ${code}).`);
      resolve();
    }),
  );
}

async function runSuites(mine: typeof suites): Promise<void> {
  let printed = "";
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = ((text: string, ...rest: []) => {
    printed += text;
    return write(text, ...rest);
  }) as typeof process.stdout.write;
  await run(mine, { bail: false });
  process.disconnect?.();
  const counts = [...stripVTControlCharacters(printed).matchAll(/\((\d+) \/ (\d+)\)/g)];
  if (counts.some(([, passed, all]) => passed !== all)) {
    if (!process.exitCode) fail("A suite did not run all of its tests: a hook of it threw.");
  } else if (counts.length < mine.length)
    fail(`${mine.length - counts.length} of the files ran no tests: they lack test.run().`);
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
