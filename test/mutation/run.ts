import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { transformSync } from "esbuild";
import { compile, OPTIONS } from "../compile.mjs";
import { type Coverage, coverageOf, reaches } from "./coverage.js";
import { applied, type Mutant, mutantsOf } from "./mutants.js";
import { runTestFile } from "./test-file.js";

// `npm run mutate`: changes one operator, constant or statement of the sources at a time and looks whether a test
// fails. Of all mutants that compile to something else, the seed draws `--n`. Each meets the test files that reach it,
// cheapest first.

const FOLDER = ".mutated";

const HELP = `npm run mutate -- [options]
  --n N             how many mutants (200)
  --seed S          which (1)
  --files PATTERN   of which sources, a regular expression
                    (^src/(pictures|words|checkpoint|files|model|corruption|patching|data|jobs|executors|study|report)/)
  --from I --to J   of the sample, only mutants I to J - 1
  --only PLACE      the mutants of this place, as it is printed (src/a.ts:12:3), and of others where it is repeated
  --tests PATTERN   only with these test files, a regular expression (.)
  --seconds S       with test files of at most so many seconds in all a mutant (no limit)
  --workers W       mutants at a time (1)
  --list            prints the sample and ends`;

const { values: options } = parseArgs({
  options: {
    n: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    files: {
      type: "string",
      default: "^src/(pictures|words|checkpoint|files|model|corruption|patching|data|jobs|executors|study|report)/",
    },
    from: { type: "string", default: "0" },
    to: { type: "string" },
    only: { type: "string", multiple: true },
    tests: { type: "string", default: "." },
    seconds: { type: "string", default: "Infinity" },
    workers: { type: "string", default: "1" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** A mutant, compiled. */
interface Compiled extends Mutant {
  readonly code: string;
  /** Of the first character that differs in the compiled file. */
  readonly offset: number;
}

if (options.help) process.stdout.write(`${HELP}\n`);
else await main();

async function main(): Promise<void> {
  const mutants = sample();
  if (options.list) return print(mutants.map(describe).join("\n"));
  const folders = Array.from({ length: Number(options.workers) }, (_, i) =>
    resolve(i === 0 ? FOLDER : `${FOLDER}-${i}`),
  );
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
    await compile(folder);
  }
  const tests = under("test").filter((path) => path.endsWith(".test.ts") && new RegExp(options.tests).test(path));
  const coverage = await coverageOf(tests.map(compiledName), folders[0]!);
  const survivors: string[] = [];
  const queue = mutants.entries();
  const work = async (folder: string) => {
    for (const [index, mutant] of queue) {
      const began = performance.now();
      const killer = await killerOf(mutant, coverage, folder);
      const seconds = ((performance.now() - began) / 1e3).toFixed(1);
      const outcome = killer ? "killed" : "SURVIVED";
      print(`${index + Number(options.from)} ${outcome} ${describe(mutant)}; ${killer ?? ""} ${seconds} s`);
      if (!killer) survivors.push(describe(mutant));
    }
  };
  await Promise.all(folders.map(work));
  const killed = mutants.length - survivors.length;
  print(`\n${killed} of ${mutants.length} mutants killed (${((100 * killed) / mutants.length).toFixed(1)}%).`);
  if (survivors.length > 0) print(`Survivors, each run again by --only PLACE:\n${survivors.join("\n")}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The mutants that the seed draws. Each has its own place in the order, whatever other files hold. */
function sample(): Compiled[] {
  const files = under("src").filter((path) => new RegExp(options.files).test(path) && !path.endsWith(".d.ts"));
  const chosen = options.only?.map((place) => place.replace(/:.*/, "")) ?? files;
  const all = [...new Set(chosen)].flatMap((file) =>
    mutantsOf(file, readFileSync(file, "utf8")).map((mutant) => ({ mutant, rank: rankOf(mutant) })),
  );
  all.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const drawn: Compiled[] = [];
  for (const { mutant } of all) {
    if (drawn.length === Number(options.n)) break;
    if (options.only && !options.only.includes(placeOf(mutant))) continue;
    const compiled = compiledOf(mutant);
    if (compiled) drawn.push(compiled);
  }
  return drawn.slice(Number(options.from), options.to ? Number(options.to) : undefined);
}

function under(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.map((name) => join(folder, name)).filter((path) => path.endsWith(".ts"));
}

function rankOf({ file, start, after }: Mutant): string {
  return createHash("sha256").update([options.seed, file, start, after].join("\n")).digest("hex");
}

/** None of what changes types alone. */
function compiledOf(mutant: Mutant): Compiled | undefined {
  const text = readFileSync(mutant.file, "utf8");
  const [original, code] = [text, applied(mutant, text)].map((source) => {
    return transformSync(source, { ...OPTIONS, loader: "ts", sourcemap: false }).code;
  }) as [string, string];
  if (original === code) return undefined;
  let offset = 0;
  while (original[offset] === code[offset]) offset++;
  return { ...mutant, code, offset };
}

/** The test file that fails of a mutant, if one does. */
async function killerOf(mutant: Compiled, coverage: readonly Coverage[], folder: string): Promise<string | undefined> {
  const path = join(folder, compiledName(mutant.file));
  const original = readFileSync(path);
  const file = compiledName(mutant.file);
  const reaching = coverage.filter((one) => reaches(one, file, mutant.offset));
  // A process that was killed has left no record: what loads the file may reach the place.
  const candidates = reaching.length > 0 ? reaching : coverage.filter(({ files }) => file in files);
  // The file's own test knows it best.
  const cost = ({ test, seconds }: Coverage) =>
    (basename(test, ".test.js") === basename(file, ".js") ? 0.2 : 1) * seconds;
  let left = Number(options.seconds);
  try {
    writeFileSync(path, mutant.code);
    for (const { test, seconds } of candidates.toSorted((a, b) => cost(a) - cost(b))) {
      left -= seconds;
      if (left < 0) break;
      const { failed } = await runTestFile(join(folder, test), 20 + 4 * seconds);
      if (failed) return `${test} ${failed}`;
    }
    return undefined;
  } finally {
    writeFileSync(path, original);
  }
}

function compiledName(path: string): string {
  return path.replace(/\.ts$/, ".js");
}

function placeOf({ file, line, column }: Mutant): string {
  return `${file}:${line}:${column}`;
}

function describe(mutant: Mutant): string {
  const [before, after] = [mutant.before, mutant.after].map((text) => text.replace(/\s+/g, " "));
  return `${placeOf(mutant)} ${before} -> ${after}`;
}
