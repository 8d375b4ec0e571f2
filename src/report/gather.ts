import { lookingSite } from "../patching/answer-attention.js";
import { parseSite } from "../patching/sites.js";
import { compareRuns } from "../study/compare.js";
import type { Findings } from "../study/findings.js";
import { formOf } from "../study/form.js";
import { headFunctionFacts } from "../study/head-functions.js";
import { checkpointNotes, patchedBy } from "../study/queries/provenance.js";
import { countUnpatched, exclusionCounts, groupCounts, REMARK } from "../study/queries/samples.js";
import { patchedGroups, siteShapes, tokenScores } from "../study/queries/scores.js";
import type { StudyRun } from "../study/run.js";
import type { Settings } from "../study/settings.js";
import { gatherHeads } from "./gather-heads.js";
import type { DatasetFacts, ReportData, RunFacts, TokenMap } from "./report-data.js";
import { roleMeans } from "./roles.js";

/**
 * Everything that the report of a run says, read from its store.
 *
 * @param others runs to compare it with.
 * @throws NoticeError as `compareRuns`
 */
export async function gatherReport(
  run: StudyRun,
  found: Findings,
  others: readonly StudyRun[] = [],
): Promise<ReportData> {
  const shapes = await shapesOf(run);
  const circuits = found.circuits.map((one) => ({ ...one, metric: found.metric, ...shapes.get(one.site)! }));
  const looking = lookingSite({ architecture: await run.architecture() });
  const functions = await headFunctionFacts(run, found.circuits);
  return {
    title: `Which heads carry the answer: ${run.settings.model}`,
    run: await runFacts(run),
    datasets: await datasetFacts(run),
    position: found.position,
    circuits,
    tokenMaps: await tokenMaps(run, found),
    universality: found.universal,
    verified: found.verified,
    rules: found.rules,
    headlines: found.headlines,
    alone: found.alone,
    attribution: found.attribution,
    ...(others.length > 0 ? { comparison: await compareRuns([run, ...others]) } : {}),
    headFunctions: functions,
    ...(await gatherHeads(run, found, { looking, functions })),
    looking,
    notes: [...(await notesOnRun(run)), ...notesOn(found), ...screenNote(run.settings)],
  };
}

/** Layers and heads of each site that has heads. */
async function shapesOf(run: StudyRun): Promise<Map<string, { layers: number; heads: number }>> {
  const shapes = await siteShapes(run.store);
  return new Map(shapes.map(({ site, ...shape }) => [site, shape]));
}

async function runFacts(run: StudyRun): Promise<RunFacts> {
  const { store, settings } = run;
  const used = await patchedBy(store);
  const every = (column: keyof (typeof used)[0]) => [...new Set(used.map((row) => row[column]))].join(", ");
  const { model, seed, ...others } = { ...settings, as: formOf(await run.architecture()) };
  const shown = Object.entries(others).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]);
  return {
    version: every("package"),
    model,
    modelHash: every("model_hash"),
    backend: every("backend"),
    seed,
    settings: Object.fromEntries(shown.filter(([, value]) => value !== undefined)),
  };
}

async function datasetFacts({ store }: StudyRun): Promise<DatasetFacts[]> {
  const groups = await groupCounts(store);
  const exclusions = (await exclusionCounts(store)).filter(({ stage }) => stage !== REMARK);
  const names = [...new Set([...groups, ...exclusions].map(({ dataset }) => dataset))].sort();
  return names.map((name) => {
    const own = groups.filter(({ dataset }) => dataset === name);
    const left = exclusions.filter(({ dataset }) => dataset === name);
    const prepared = left.filter(({ stage }) => stage === "prepare").reduce((sum, { count }) => sum + count, 0);
    const candidates = own.reduce((sum, { samples }) => sum + samples, prepared);
    return { name, candidates, groups: own, exclusions: left };
  });
}

/** Maps of the sites without heads. */
async function tokenMaps(run: StudyRun, { metric }: Findings): Promise<TokenMap[]> {
  const architecture = await run.architecture();
  const sites = run.settings.sites
    .map((site) => parseSite({ architecture }, site))
    .filter(({ perHead, tokens }) => !perHead && tokens === "question");
  const groups = await patchedGroups(run.store);
  const maps: TokenMap[] = [];
  for (const { site } of sites)
    for (const group of groups) {
      const scores = await tokenScores(run.store, run.settings, { ...group, site });
      maps.push({ ...group, site, metric, ...roleMeans(scores) });
    }
  return maps;
}

/** What the checkpoint says of itself, and whether anything is still to be patched. */
async function notesOnRun({ store }: StudyRun): Promise<string[]> {
  const left = await countUnpatched(store);
  const unfinished = left === 0 ? [] : [`Not whole: ${left} of the selected samples are not patched yet.`];
  const remarks = (await exclusionCounts(store))
    .filter(({ stage }) => stage === REMARK)
    .map(({ dataset, reason, count, example }) => `${dataset}: ${reason}, ${count} in all. ${example}.`);
  return [...unfinished, ...remarks, ...(await checkpointNotes(store))];
}

function notesOn({ circuits, metric, position }: Findings): string[] {
  const notes = [`Circuits are read at the position ${position} by the metric ${metric}.`];
  for (const { dataset, modality, site, circuit, unplaced } of circuits) {
    const name = `${dataset}, ${modality}, ${site}`;
    if (circuit.degenerate > 0)
      notes.push(
        `${name}: ${circuit.degenerate} samples are left out, because their corruption hardly changes the answer.`,
      );
    if (unplaced > 0)
      notes.push(`${name}: ${unplaced} samples are left out, because their question has no such position.`);
  }
  return notes;
}

function screenNote({ screen }: Settings): string[] {
  if (screen === 0) return [];
  return [
    `Screened: of each site only the ${screen} heads (or layers) of which gradients expect most were patched, the same in all samples of a data set and corruption. ` +
      "What gradients expect of all others counts in the mean over heads, and no such head is in a circuit.",
  ];
}
