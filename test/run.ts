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
const whole = counts.every(([, passed, all]) => passed === all);
if (counts.length === 0) process.stderr.write(`No test file matches ${pattern}.\n`);
else if (!whole && !process.exitCode)
  process.stderr.write("A suite did not run all of its tests: a hook of it threw.\n");
if (counts.length === 0 || !whole) process.exitCode = 1;
