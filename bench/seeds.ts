import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseHead } from "../src/cli/places.js";
import { lookingSite } from "../src/patching/answer-attention.js";
import { circuitHeads } from "../src/patching/circuits.js";
import { type HeadPlace, headName } from "../src/patching/head-place.js";
import { headScores, readCircuits } from "../src/study/circuits.js";
import type { FunctionsOfHeads } from "../src/study/function-counts.js";
import { functionsOfHeads } from "../src/study/head-functions.js";
import { circuitOf, headlines, readRules, shownChance } from "../src/study/ruled.js";
import { reopenAll, type StudyRun } from "../src/study/run.js";
import { columnMeans, table, withInterval } from "./corruption/figures.js";

// `npm run bench:seeds -- --out DIR [MODEL…]`: studies models that learned the same from other seeds, and says what
// returns. It needs `npm run build`; where it was interrupted, the same command goes on. Pictures are corrupted (SIP),
// settings as they are by default. --n N samples a data set (40), --seed N of the studies (0). The tables go to stdout
// and depend on the options alone; the time goes to stderr.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string" }, n: { type: "string", default: "40" }, seed: { type: "string", default: "0" } },
});
const { out = "runs/seeds", n, seed } = values;
const models =
  positionals.length > 0 ? positionals : ["weights/scenes", ...["1", "2", "3"].map((seed) => `weights/seeds/${seed}`)];
const ROLES = ["segmentation", "object inhibition", "outlier inhibition"] as const;
const folderOf = (model: string) => join(out, model.replaceAll("/", "-"));

for (const model of models) {
  const asked = [
    "--model",
    model,
    "--n",
    n,
    "--seed",
    seed,
    "--modalities",
    "image",
    "--workers",
    "1",
    "--backend",
    "wasm",
  ];
  const began = performance.now();
  const { status } = spawnSync(process.execPath, ["dist/cli/main.js", "study", "--out", folderOf(model), ...asked], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) process.exit(status ?? 1);
  console.error(`${model}: ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
}

const runs = await reopenAll(models.map(folderOf));
try {
  const circuits: string[][] = [];
  const roles: string[][] = [];
  const depth: string[][] = [];
  for (const [i, run] of runs.entries()) {
    const found = await rowsOf(run, models[i]!);
    circuits.push(...found.circuits);
    roles.push(...found.roles);
    depth.push(...found.depth);
  }
  console.log(`studies of ${n} samples a data set, seed ${seed}, wasm\n`);
  const kept = ["smallest that keeps 0.85", "kept of other pairs", "by random heads", "p", "by the paper's rule"];
  console.log(table(["model", "data set", ...kept], circuits));
  console.log(`\n${table(["model", "data set", "heads that look", ...ROLES], roles)}`);
  console.log(`\n${table(["model", "data set", "first third of the layers", "middle third", "last third"], depth)}`);
} finally {
  for (const run of runs) run[Symbol.dispose]();
}

/** The smallest circuits, and what those of their heads do that look at the picture. */
async function rowsOf(run: StudyRun, model: string) {
  const looking = lookingSite({ architecture: await run.architecture() })!;
  const published = await readCircuits(run);
  const rows: Record<"circuits" | "roles" | "depth", string[][]> = { circuits: [], roles: [], depth: [] };
  for (const headline of headlines(await readRules(run)).filter(({ modality }) => modality === "image")) {
    const { dataset } = headline;
    const circuit = circuitOf(headline)!;
    const paper = published.circuits.find(
      (one) => one.dataset === dataset && one.modality === "image" && one.site === looking,
    )!;
    const outstanding = circuitHeads(paper.circuit);
    rows.circuits.push([
      model,
      dataset,
      headline.smallest ? `${circuit.size} of ${circuit.of}` : `none; ${circuit.size} of ${circuit.of}`,
      `${circuit.kept.toFixed(3)} [${circuit.kept_low.toFixed(2)}, ${circuit.kept_high.toFixed(2)}]`,
      circuit.random?.toFixed(2) ?? "–",
      shownChance(circuit),
      listed(outstanding),
    ]);
    const looks = circuit.heads.flatMap((name) =>
      name.startsWith(`${looking}:`) ? [parseHead(name.slice(looking.length + 1))] : [],
    );
    const functions = await functionsOfHeads(run, dataset, looks);
    rows.roles.push([model, dataset, `${looks.length}`, ...ROLES.map((role) => told(functions[role]))]);
    rows.depth.push([model, dataset, ...(await thirds(run, paper))]);
  }
  return rows;
}

/** Which share of all |effect|, at the answer's token, the heads of each third of the layers have. */
async function thirds(run: StudyRun, asked: Parameters<typeof headScores>[1]): Promise<string[]> {
  const { samples } = await headScores(run, asked);
  const sums = samples.map((layers) => {
    const row = [0, 0, 0];
    for (const [layer, scores] of layers.entries())
      row[Math.floor((3 * layer) / layers.length)]! += scores.reduce<number>((sum, one) => sum + Math.abs(one ?? 0), 0);
    return row;
  });
  return [0, 1, 2].map((third) =>
    withInterval(sums.length, Number(seed), (drawn) => {
      const means = columnMeans(sums, drawn);
      return means[third]! / (means[0]! + means[1]! + means[2]!);
    }),
  );
}

function listed(heads: readonly HeadPlace[]): string {
  return heads.map(headName).join(", ") || "none";
}

function told(found: FunctionsOfHeads[(typeof ROLES)[number]]): string {
  if (!found) return "cannot be seen";
  const { heads, low, high } = found;
  return `${heads.length} [${low}, ${high}]${heads.length > 0 ? `: ${listed(heads)}` : ""}`;
}
