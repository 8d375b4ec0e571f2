import { NoticeError } from "../base/errors.js";
import { readPicture } from "../files/picture.js";
import { lookingSite } from "../patching/answer-attention.js";
import { attentionOverlay, type HeadAttention, meanAttention } from "../patching/attention-functions.js";
import { parseSite } from "../patching/sites.js";
import type { Picture } from "../pictures/picture.js";
import { metricOf } from "../study/circuits.js";
import type { Findings } from "../study/findings.js";
import type { StudyRun } from "../study/run.js";
import type { Modality, Settings } from "../study/settings.js";
import type {
  DatasetFacts,
  ExclusionCount,
  GroupFacts,
  HeadFunctionFacts,
  OverlaySample,
  ReportData,
  RunFacts,
  TokenMap,
} from "./report-data.js";
import { roleMeans, type TokenScore } from "./roles.js";

/** Pictures of each data set, and heads on each. */
const [PICTURES, HEADS] = [2, 3];

/** Everything that the report of a run says, read from its store. */
export async function gatherReport(run: StudyRun, found: Findings): Promise<ReportData> {
  const shapes = await shapesOf(run);
  const circuits = found.circuits.map((one) => ({ ...one, metric: found.metric, ...shapes.get(one.site)! }));
  return {
    title: `Which heads carry the answer: ${run.settings.model}`,
    run: await runFacts(run),
    datasets: await datasetFacts(run),
    position: found.position,
    circuits,
    tokenMaps: await tokenMaps(run, found),
    universality: found.universal,
    verified: found.verified,
    attribution: found.attribution,
    headFunctions: await headFunctionFacts(run, found),
    overlays: await overlays(run, found),
    notes: [...(await notesOnRun(run)), ...notesOn(found), ...screenNote(run.settings)],
  };
}

/** Layers and heads of each site that has heads. */
async function shapesOf(run: StudyRun): Promise<Map<string, { layers: number; heads: number }>> {
  const shapes = await run.store.rows<{ site: string; layers: number; heads: number }>(
    "SELECT site, max(layer) + 1 AS layers, max(head) + 1 AS heads FROM scores WHERE head IS NOT NULL GROUP BY site",
  );
  return new Map(shapes.map(({ site, ...shape }) => [site, shape]));
}

async function runFacts({ store, settings }: StudyRun): Promise<RunFacts> {
  const used = await store.rows<Record<"package" | "model_hash" | "backend", string>>(
    "SELECT DISTINCT package, model_hash, backend FROM provenance JOIN patched ON provenance.id = patched.provenance ORDER BY ALL",
  );
  const every = (column: keyof (typeof used)[0]) => [...new Set(used.map((row) => row[column]))].join(", ");
  const { model, seed, ...others } = settings;
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
  const groups = await store.rows<GroupFacts & { dataset: string; samples: number }>(
    `SELECT dataset, sample_group AS name, CAST(count(*) AS INTEGER) AS samples, CAST(count(answer) AS INTEGER) AS asked,
       CAST(count(*) FILTER (is_correct) AS INTEGER) AS correct, CAST(count(ordinal) AS INTEGER) AS selected,
       CAST(count(patched.sample) AS INTEGER) AS patched
     FROM samples LEFT JOIN answers USING (dataset, sample) LEFT JOIN selected USING (dataset, sample)
       LEFT JOIN patched USING (dataset, sample)
     GROUP BY ALL ORDER BY ALL`,
  );
  const exclusions = await store.rows<ExclusionCount & { dataset: string }>(
    `SELECT dataset, stage, reason, CAST(count(*) AS INTEGER) AS count, min(source || ': ' || detail) AS example
     FROM exclusions GROUP BY ALL ORDER BY dataset, stage, count DESC, reason`,
  );
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
  const groups = await run.store.rows<{ dataset: string; modality: Modality }>(
    "SELECT DISTINCT dataset, modality FROM passes ORDER BY ALL",
  );
  const maps: TokenMap[] = [];
  for (const { site } of sites)
    for (const group of groups) {
      const scores = await run.store.rows<TokenScore>(
        `SELECT sample, layer, position, ${metricOf(run.settings)} AS score, tokens, answer_token, incorrect_token
         FROM scores JOIN passes USING (dataset, sample, modality)
         WHERE dataset = $1 AND modality = $2 AND site = $3 AND position IS NOT NULL AND prob IS NOT NULL
         ORDER BY sample, layer, position`,
        [group.dataset, group.modality, site],
      );
      maps.push({ ...group, site, metric, ...roleMeans(scores) });
    }
  return maps;
}

/** What the heads of a data set's circuits attend to. */
async function headFunctionFacts(run: StudyRun, { circuits }: Findings): Promise<HeadFunctionFacts[]> {
  const { store } = run;
  const facts: HeadFunctionFacts[] = [];
  const looking = lookingSite({ architecture: await run.architecture() });
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const own = circuits.filter((one) => one.dataset === dataset && one.site === looking);
    const members = own.flatMap(({ circuit }) => circuit.heads.filter(({ inCircuit }) => inCircuit));
    const names = [...new Set(members.map(({ layer, head }) => `${layer}.${head}`))]
      .map((name) => name.split(".").map(Number) as [number, number])
      .sort(([layer, head], [otherLayer, otherHead]) => layer - otherLayer || head - otherHead);
    for (const [layer, head] of names) {
      const rows = await store.rows<Record<string, number | null>>(
        "SELECT * EXCLUDE (pattern) FROM attention WHERE dataset = $1 AND layer = $2 AND head = $3 ORDER BY sample",
        [dataset, layer, head],
      );
      facts.push({ dataset, layer, head, ...meanAttention(rows.map(attentionOf)) });
    }
  }
  return facts;
}

function attentionOf(row: Record<string, number | null>): HeadAttention {
  const { object_mass, object_uniform, outlier_mass, outlier_uniform, auroc } = row;
  return {
    object: object_mass == null ? null : { mass: object_mass, uniform: object_uniform!, auroc: auroc ?? null },
    outliers: outlier_mass == null ? null : { mass: outlier_mass, uniform: outlier_uniform! },
  };
}

/** The strongest heads of each data set on its first pictures. */
async function overlays(run: StudyRun, { circuits }: Findings): Promise<OverlaySample[]> {
  const pictures: OverlaySample[] = [];
  const looking = lookingSite({ architecture: await run.architecture() });
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const own = circuits.filter((one) => one.dataset === dataset && one.site === looking);
    const { circuit } = own.find(({ modality }) => modality === "image") ?? own[0] ?? {};
    const strongest = [...(circuit?.heads ?? [])].sort((a, b) => b.mean - a.mean).slice(0, HEADS);
    const samples = await run.store.rows<Record<"sample" | "image" | "question" | "correct" | "incorrect", string>>(
      `SELECT s.* FROM samples s JOIN selected USING (dataset, sample)
       SEMI JOIN (FROM attention WHERE pattern IS NOT NULL) USING (dataset, sample)
       WHERE dataset = $1 ORDER BY ordinal LIMIT ${PICTURES}`,
      [dataset],
    );
    for (const { sample, image, question, correct, incorrect } of strongest.length > 0 ? samples : []) {
      const picture = await pictureOf(run, image);
      if (!picture) continue;
      const patterns = await patternsOf(run, dataset, sample);
      pictures.push({
        dataset,
        id: sample,
        question,
        answers: [correct, incorrect],
        picture,
        heads: strongest.map(({ layer, head }) => ({
          layer,
          head,
          overlay: attentionOverlay(patterns, { layer, head }),
        })),
      });
    }
  }
  return pictures;
}

/** Undefined where it has been moved away since. */
async function pictureOf(run: StudyRun, image: string): Promise<Picture | undefined> {
  try {
    return await readPicture(run.path(image));
  } catch (error) {
    if (error instanceof NoticeError) return undefined;
    throw error;
  }
}

/** [layer][head][imageToken] */
async function patternsOf({ store }: StudyRun, dataset: string, sample: string): Promise<number[][][]> {
  const rows = await store.rows<{ layer: number; pattern: number[] }>(
    "SELECT layer, pattern FROM attention WHERE dataset = $1 AND sample = $2 ORDER BY layer, head",
    [dataset, sample],
  );
  const patterns: number[][][] = [];
  for (const { layer, pattern } of rows) {
    patterns[layer] ??= [];
    patterns[layer].push(pattern);
  }
  return patterns;
}

/** What the checkpoint says of itself, and whether anything is still to be patched. */
async function notesOnRun({ store }: StudyRun): Promise<string[]> {
  const said = await store.rows<{ note: string }>("SELECT DISTINCT note FROM provenance WHERE note IS NOT NULL");
  const left = await store.count("SELECT count(*) FROM selected ANTI JOIN patched USING (dataset, sample)");
  const unfinished = left === 0 ? [] : [`Not whole: ${left} of the selected samples are not patched yet.`];
  return [...unfinished, ...said.map(({ note }) => note)];
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
