import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { ablate } from "../../src/patching/ablate.js";
import { attributeAll } from "../../src/patching/attribute.js";
import { faithfulness, faithfulnessCurve } from "../../src/patching/faithful.js";
import { rankHeads } from "../../src/patching/head-effects.js";
import type { HeadAt } from "../../src/patching/head-place.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Blip } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { patchPath } from "../../src/patching/paths.js";
import type { Scores } from "../../src/patching/scores.js";
import { SITES } from "../../src/patching/sites.js";
import { sweep, sweepTogether } from "../../src/patching/sweep.js";
import { useBackend } from "../../src/platform/backend.js";
import { StudyRun } from "../../src/study/run.js";
import { STAGES } from "../../src/study/stage.js";
import { runStages } from "../../src/study/study.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { NARROW, samplePair } from "../support/samples.js";

/** Numbers by what they are of. */
export type Results = Record<string, readonly (number | null)[]>;

const METRICS = ["prob", "logitDiff"] as const;

function add(results: Results, name: string, scores: Scores, metrics: readonly (typeof METRICS)[number][] = METRICS) {
  for (const metric of metrics) results[`${name} ${metric}`] = [scores.table(metric)].flat(9) as (number | null)[];
}

/** What every method says of a small random model, on wasm. */
export async function methodResults(): Promise<Results> {
  await useBackend("wasm");
  using blip = await loadBlip(NARROW, { backend: "wasm" });
  const results: Results = {};
  for (const mode of ["image", "text"] as const) {
    using pair = await samplePair(blip, mode);
    await addPair(results, mode, pair);
  }
  await addTogether(results, blip);
  return results;
}

async function addPair(results: Results, mode: string, pair: Pair): Promise<void> {
  for (const site of SITES) add(results, `${mode} sweep ${site}`, await sweep(pair, { site }));
  for (const site of ["text.cross.z", "text.self.k", "vision.mlp.post", "decoder.cross.v"] as const)
    add(results, `${mode} noise ${site}`, await sweep(pair, { site, direction: "noise", together: true }));
  const found = await attributeAll(pair, SITES);
  for (const [i, site] of SITES.entries()) add(results, `${mode} attribute ${site}`, found[i]!, ["logitDiff"]);
  const steps = await attributeAll(pair, ["vision.self.z", "text.cross.z", "decoder.cross.z"], { steps: 2 });
  for (const scores of steps) add(results, `${mode} steps ${scores.facts.site}`, scores, ["logitDiff"]);
  const fixed = await attributeAll(pair, ["text.cross.q", "vision.self.k"], { qkFix: true, gradDrop: true });
  for (const scores of fixed) add(results, `${mode} corrected ${scores.facts.site}`, scores, ["logitDiff"]);
  const ranked = await rankHeads(pair);
  results[`${mode} ranked`] = ranked.flatMap(({ layer, head }) => [layer, head]);
  const circuit = await faithfulness(pair, ranked.slice(0, 5), { randomSets: 3, seed: 1 });
  const { kept, removed, losses, random } = circuit;
  results[`${mode} faithfulness`] = [kept, removed, ...losses.map(({ loss }) => loss), ...random.kept];
  const { sizes, ...curve } = await faithfulnessCurve(pair, ranked, { sizes: [3, 9] });
  results[`${mode} curve`] = [...sizes, ...curve.kept, curve.cpr, curve.cmd];
  for (const mediated of [false, true]) results[`${mode} paths ${mediated}`] = await pathScores(pair, mediated);
  const taken: HeadAt[] = ranked.slice(0, 2);
  results[`${mode} ablate`] = [(await ablate(pair, taken)).logitDiff];
}

async function pathScores(pair: Pair, mediated: boolean): Promise<number[]> {
  const from = [{ site: "vision.self.z", layer: 0, head: 1 } as const, { site: "text.cross.z", layer: 0 } as const];
  const direct = !mediated;
  const found = [
    await patchPath(pair, [from[1]!], [{ site: "text.self.q", layer: 1, head: 3 }], { mediated }),
    await patchPath(pair, [from[0]!], [{ site: "text.cross.v", layer: 1 }, ...(direct ? [] : ["answer" as const])], {
      mediated,
    }),
    await patchPath(pair, direct ? from.slice(1) : from, [{ site: "decoder.cross.k", layer: 1, head: 0 }], {
      mediated,
    }),
  ];
  // No direct path leads from a text head to the answer.
  if (mediated) found.push(await patchPath(pair, [from[1]!], ["answer"], { mediated, direction: "noise" }));
  return found.map(({ logitDiff }) => logitDiff);
}

async function addTogether(results: Results, blip: Blip): Promise<void> {
  using first = await samplePair(blip, "image");
  using second = await samplePair(blip, "text");
  const both = await sweepTogether([first, second], { site: "text.self.z" });
  for (const [i, scores] of both.entries()) add(results, `together ${i}`, scores);
}

const TABLES = ["answers", "selected", "passes", "expected", "chosen", "scores", "attention", "patched", "verified"];

/** The rows of a run's tables as texts, sorted; without what names the machine's folders and the package. */
export async function studyResults(database: string): Promise<Record<string, string[]>> {
  const instance = await DuckDBInstance.create(database, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const tables: Record<string, string[]> = {};
  for (const table of TABLES) {
    const reader = await connection.runAndReadAll(`SELECT * FROM ${table}`);
    const rows = reader.getRowObjectsJS().map(({ provenance, ...row }) => JSON.stringify(row));
    tables[table] = rows.sort();
  }
  connection.closeSync();
  instance.closeSync();
  return tables;
}

/** A small study with everything in it. */
export async function smallStudy(): Promise<Record<string, string[]>> {
  const folder = temporaryFolder();
  {
    using run = await StudyRun.open(folder, {
      n: 3,
      candidates: 4,
      seed: 4,
      modalities: ["image", "text", "gaussian"],
      sites: ["text.cross.z", "decoder.cross.z"],
      sigma: 2,
      verify: 1,
      randomSets: 2,
    });
    const watch = { begin: () => ({ update() {}, end() {} }), warn() {} };
    await runStages(run, STAGES, { watch, workers: 1, backend: "wasm" });
  }
  return studyResults(join(folder, "study.duckdb"));
}
