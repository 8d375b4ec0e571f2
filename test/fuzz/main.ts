import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { findingsOf, fuzz, summaryOf } from "./fuzz.js";
import { KINDS } from "./kinds.js";

// `npm run fuzz -- --cases N --seed S`: mutates what strangers may give.
// `--only KIND` does one kind, `--case K` one case of it.

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    case: { type: "string" },
    from: { type: "string", default: "0" },
  },
});
const names = KINDS.map(({ name }) => name);
const number = (name: "cases" | "seed" | "case" | "from"): number => {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is a whole number`);
  return value;
};
if (values.only !== undefined && !names.includes(values.only)) throw new Error(`--only is one of ${names.join(", ")}`);
if (values.case !== undefined && values.only === undefined) throw new Error("--case is one of a kind: give --only");

// In memory where there is such a folder: cases write many small files.
if (existsSync("/dev/shm")) process.env.TMPDIR ??= "/dev/shm";
const one = values.case === undefined ? undefined : number("case");
const seed = number("seed");
const begun = performance.now();
const tallies = await fuzz(new URL("./kinds.js", import.meta.url).href, KINDS, {
  seed,
  cases: one === undefined ? number("cases") : 1,
  from: one ?? number("from"),
  only: values.only,
});
const found = tallies.reduce((sum, { findings }) => sum + findings.length, 0);
const seconds = ((performance.now() - begun) / 1000).toFixed(0);
process.stdout.write(
  `${summaryOf(tallies)}${findingsOf(tallies, seed)}${found} findings in ${seconds} s, seed ${seed}\n`,
);
process.exitCode = found > 0 ? 1 : 0;
