import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { ROOT } from "../support/root.js";

const test = suite("examples");
const EXAMPLES = join(ROOT, "examples");
const MOST_LINES = 40;

const folder = temporaryFolder();

/** What an example prints, run in an empty folder: what it imports is the built package, by its exports. */
async function run(name: string): Promise<string> {
  const env = { ...process.env, FORCE_COLOR: "0" };
  const args = ["--import", import.meta.resolve("tsx"), join(EXAMPLES, name)];
  return (await promisify(execFile)(process.execPath, args, { cwd: folder, env })).stdout;
}

const numbers = (text: string) => Array.from(text.matchAll(/-?\d+\.\d+/g), ([number]) => Number(number));

test("every example is short, and in the table", () => {
  const table = readFileSync(join(EXAMPLES, "README.md"), "utf8");
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  assert.ok(files.length >= 9);
  for (const file of files) {
    assert.ok(readFileSync(join(EXAMPLES, file), "utf8").split("\n").length <= MOST_LINES, file);
    assert.ok(table.includes(`](${file})`) || file === "browser/vite.config.ts", `${file} is not in the table`);
  }
});

test("one head: its effect is the share of the answer that the printed probabilities leave open", async () => {
  const [clean, corrupted, patched, effect] = numbers(await run("one-head.ts"));
  assert.ok(clean! > 0.99 && corrupted! < 0.01, "the model tells the stars apart");
  assert.ok(patched! >= corrupted! && patched! <= clean!);
  assert.ok(effect! > 0 && effect! < 1);
});

test("head map: a PNG of the map, and all scores as JSON", async () => {
  assert.match(await run("head-map.ts"), "3 layers x 6 heads x 9 tokens");
  const { width, height } = PNG.sync.read(readFileSync(join(folder, "heads.png")));
  assert.ok(width > 400 && height > 300);
  const { shape, metrics } = JSON.parse(readFileSync(join(folder, "scores.json"), "utf8"));
  assert.equal(shape, [3, 6, 9]);
  assert.is(metrics.effect[2][5].length, 9);
});

test("both directions: heads with what they are enough and needed for", async () => {
  const lines = (await run("both-directions.ts")).trim().split("\n").slice(1);
  assert.ok(lines.length > 2);
  for (const line of lines) assert.match(line, /^L[0-2]H[0-5] +-?\d\.\d\d +-?\d\.\d\d$/);
});

test("custom metric: KL and rank of the clean pass are 0, entropy is in the range of its vocabulary", async () => {
  const printed = await run("custom-metric.ts");
  const of = (name: string) => numbers(new RegExp(`^${name}: (.*)$`, "m").exec(printed)![1]!);
  const [bits, divergence, rank] = [of("entropy"), of("fromClean"), of("rank")];
  assert.ok(bits.every((value) => value >= 0 && value <= Math.log2(114)));
  assert.equal([divergence[2], rank[2]], [0, 0]);
  assert.ok(divergence[0]! > divergence[1]! && divergence.every((value) => value >= 0));
});

test("masked patches: the star loses its colour to the other tokens, from layer to layer", async () => {
  const rows = (await run("masked-patches.ts")).trim().split("\n").slice(1).map(numbers);
  assert.is(rows.length, 4);
  const [first, last] = [rows[0]!, rows[3]!];
  assert.ok(last[0]! > first[0]! && last[1]! < first[1]!);
});

test("study: circuits of three data sets, and a report", async () => {
  const printed = await run("study.ts");
  for (const name of ["actions", "attributes", "faces"])
    assert.match(printed, new RegExp(`^${name}: .* 8 patched$`, "m"));
  assert.match(printed, /^circuit of attributes: .*L0H0/m);
  assert.ok(existsSync(join(folder, "runs/example/report.html")));
});

test("streaming: four results and their running mean", async () => {
  const lines = (await run("streaming.ts")).trim().split("\n");
  assert.is(lines.length, 4);
  const effects = lines.map((line) => Number(/L0H0 (-?\d+\.\d+)/.exec(line)![1]));
  const mean = effects.reduce((sum, effect) => sum + effect, 0) / 4;
  assert.ok(Math.abs(numbers(lines[3]!).at(-1)! - mean) <= 0.01);
});

test.run();
