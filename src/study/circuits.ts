import { NoticeError } from "../base/errors.js";
import { type Circuit, findCircuit, type HeadScores, type Universality, universality } from "../patching/circuits.js";
import type { Metric } from "../patching/metrics.js";
import { parseSite, type Site } from "../patching/sites.js";
import { parsePosition } from "./position.js";
import { unpatchedPairs } from "./queries/samples.js";
import { countPairs, headScoresAt, patchedGroups } from "./queries/scores.js";
import { countRows } from "./queries/shards.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";

/** The circuit of a data set in a modality at a site. */
export interface StudyCircuit {
  readonly dataset: string;
  readonly modality: Modality;
  readonly site: Site;
  readonly circuit: Circuit;
  /** Patched samples whose question has no such position. */
  readonly unplaced: number;
}

/** What a run says of its heads. */
export interface StudyCircuits {
  readonly metric: Metric;
  readonly position: string;
  readonly circuits: readonly StudyCircuit[];
  /** By site, over data sets and modalities. */
  readonly universal: readonly { readonly site: Site; readonly universality: Universality }[];
}

/**
 * Reads the circuits of a run off its scores, at the position and by the metric of its settings.
 *
 * @throws NoticeError `options` where nothing is patched yet or no question has the position.
 */
export async function readCircuits(run: StudyRun): Promise<StudyCircuits> {
  const { metric, position, rate, resamples, seed, sites } = run.settings;
  const groups = await patchedGroups(run.store);
  if (groups.length === 0) throw await unscored(run);
  const circuits: StudyCircuit[] = [];
  const architecture = await run.architecture();
  for (const site of sites.filter((one) => parseSite({ architecture }, one).perHead))
    for (const { dataset, modality } of groups) {
      const { samples, patched, unplaced } = await headScores(run, { dataset, modality, site });
      const circuit = findCircuit(samples, { rate, resamples, seed, patched });
      circuits.push({ dataset, modality, site, circuit, unplaced });
    }
  if (circuits.length > 0 && circuits.every(({ circuit }) => circuit.samples + circuit.degenerate === 0))
    throw new NoticeError(
      "options",
      `No question of the run ${run.folder} has the position ${JSON.stringify(position)}.`,
    );
  const universal = [...new Set(circuits.map(({ site }) => site))].map((site) => ({
    site,
    universality: universality(
      circuits
        .filter((one) => one.site === site && one.circuit.samples > 0)
        .map(({ dataset, modality, circuit }) => ({ name: `${dataset} ${modality}`, circuit })),
    ),
  }));
  return { metric, position, circuits, universal };
}

/** Every head's score at the run's position, a table for each sample by its name, and which heads were patched. */
export async function headScores(
  run: StudyRun,
  { dataset, modality, site }: Pick<StudyCircuit, "dataset" | "modality" | "site">,
  { only, metric = run.settings.metric }: { readonly only?: ReadonlySet<string>; readonly metric?: Metric } = {},
): Promise<{ names: string[]; samples: HeadScores[]; patched: boolean[][] | undefined; unplaced: number }> {
  const { tokens } = parseSite({ architecture: await run.architecture() }, site);
  // Of what an answer begins with there is nothing to choose.
  const place = tokens === "answer" ? { index: 0 } : parsePosition(run.settings.position);
  const rows = await headScoresAt(run.store, { ...run.settings, metric }, { dataset, modality, site, place });
  const samples = new Map<string, { scores: (number | null)[][]; patched: boolean[][] }>();
  for (const { sample, layer, score, patched } of rows) {
    if (only && !only.has(sample)) continue;
    const tables = samples.get(sample) ?? { scores: [], patched: [] };
    samples.set(sample, tables);
    tables.scores[layer] ??= [];
    tables.scores[layer].push(score);
    tables.patched[layer] ??= [];
    tables.patched[layer].push(patched);
  }
  const all = await countPairs(run.store, { dataset, modality });
  const tables = [...samples.values()];
  // What is patched is the same in all samples.
  return {
    names: [...samples.keys()],
    samples: tables.map(({ scores }) => scores),
    patched: tables[0]?.patched,
    unplaced: all - samples.size,
  };
}

/** Why a run has no scores. */
export async function unscored({ store, folder }: StudyRun): Promise<NoticeError> {
  const excluded = await unpatchedPairs(store);
  const patched = await countRows(store, "patched");
  const [most] = excluded;
  if (patched === 0 || !most)
    return new NoticeError("options", `The run ${folder} has no scores yet; \`notice patch\` makes them.`);
  const pairs = excluded.reduce((sum, { count }) => sum + count, 0);
  return new NoticeError(
    "options",
    `The run ${folder} has no scores: all ${pairs} pairs of its ${patched} samples were excluded, most for the reason ` +
      `"${most.reason}" (${most.count}), such as ${most.example}`,
  );
}
