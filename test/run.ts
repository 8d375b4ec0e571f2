import { stripVTControlCharacters } from "node:util";
import { parse } from "uvu/parse";
import { run } from "uvu/run";

// `npm test`, or `npm test -- PATTERN` for the files whose path matches. uvu says "passed" of a suite whose `before` hook threw, having run
// none of its tests; here that fails.

const pattern = process.argv[2] ?? String.raw`\.test\.ts$`;
let printed = "";
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((text: string, ...rest: []) => {
  printed += text;
  return write(text, ...rest);
}) as typeof process.stdout.write;

const { suites } = await parse("test", pattern);
await run(suites, { bail: false });

const counts = [...stripVTControlCharacters(printed).matchAll(/\((\d+) \/ (\d+)\)/g)];
const fail = (message: string) => {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
};
if (suites.length === 0) fail(`No test file matches ${pattern}.`);
else if (counts.some(([, passed, all]) => passed !== all)) {
  if (!process.exitCode) fail("A suite did not run all of its tests: a hook of it threw.");
} else if (counts.length < suites.length)
  fail(`${suites.length - counts.length} of the files ran no tests: they lack test.run().`);
