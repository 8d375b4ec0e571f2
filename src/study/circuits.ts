import { NoticeError } from "../errors.js";
import { type Circuit, findCircuit, type HeadScores, type Universality, universality } from "../patching/circuits.js";
import type { Metric } from "../patching/metrics.js";
import { parseSite, type Site } from "../patching/sites.js";
import type { StudyRun } from "./run.js";
import type { Modality, Settings } from "./settings.js";

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

/** The columns of `scores` that hold the metrics. */
const COLUMNS: Record<Metric, string> = {
  prob: "prob",
  probDiff: "prob_diff",
  logitDiff: "logit_diff",
  effect: "effect",
};

/** A run's metric as SQL over `scores JOIN passes`; null where a sample has no effect. */
export function metricOf({ metric, leastDifference }: Settings): string {
  if (metric !== "effect") return COLUMNS[metric];
  return `CASE WHEN abs(clean_logit_diff - corrupted_logit_diff) >= ${leastDifference} THEN effect END`;
}

/**
 * Reads the circuits of a run off its scores, at the position and by the metric of its settings.
 *
 * @throws NoticeError `options` where nothing is patched yet or no question has the position.
 */
export async function readCircuits(run: StudyRun): Promise<StudyCircuits> {
  const { metric, position, rate, resamples, seed, sites } = run.settings;
  const groups = await run.store.rows<{ dataset: string; modality: Modality }>(
    "SELECT DISTINCT dataset, modality FROM passes ORDER BY dataset, modality",
  );
  if (groups.length === 0)
    throw new NoticeError("options", `The run ${run.folder} has no scores yet; \`notice patch\` makes them.`);
  const circuits: StudyCircuit[] = [];
  for (const site of sites.filter((one) => parseSite(one).perHead))
    for (const { dataset, modality } of groups) {
      const { samples, unplaced } = await headScores(run, { dataset, modality, site });
      circuits.push({ dataset, modality, site, circuit: findCircuit(samples, { rate, resamples, seed }), unplaced });
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

/** Every head's score at the run's position, a table for each sample. */
async function headScores(
  run: StudyRun,
  { dataset, modality, site }: Pick<StudyCircuit, "dataset" | "modality" | "site">,
): Promise<{ samples: HeadScores[]; unplaced: number }> {
  // Of the decoder's one token there is nothing to choose.
  const [place, ...values] = parseSite(site).tokensOf === "decoder" ? ["0"] : placeOf(run.settings.position);
  const rows = await run.store.rows<{ sample: string; layer: number; head: number; score: number | null }>(
    `SELECT sample, layer, head, ${metricOf(run.settings)} AS score
     FROM scores JOIN passes p USING (dataset, sample, modality)
     WHERE dataset = $1 AND modality = $2 AND site = $3 AND (position IS NULL OR position = ${place})
     ORDER BY sample, layer, head`,
    [dataset, modality, site, ...values],
  );
  const samples = new Map<string, (number | null)[][]>();
  for (const { sample, layer, score } of rows) {
    const table = samples.get(sample) ?? [];
    samples.set(sample, table);
    table[layer] ??= [];
    table[layer].push(score);
  }
  const all = await run.store.count("SELECT count(*) FROM passes WHERE dataset = $1 AND modality = $2", [
    dataset,
    modality,
  ]);
  return { samples: [...samples.values()], unplaced: all - samples.size };
}

/**
 * The token that a position means, as SQL over `passes p`, with the value it needs.
 *
 * @throws NoticeError `options`
 */
function placeOf(position: string): [sql: string, value: number | string] {
  const [, offset] = /^answer([+-]\d{1,3})?$/.exec(position) ?? [undefined, null];
  if (offset !== null) return ["p.answer_token + CAST($4 AS INTEGER)", Number(offset ?? 0)];
  if (/^\d{1,4}$/.test(position)) return ["CAST($4 AS INTEGER)", Number(position)];
  if (position === "all")
    throw new NoticeError("options", "Circuits are read at one position: answer, answer-1, an index or a token.");
  return ["list_position(p.tokens, CAST($4 AS VARCHAR)) - 1", position];
}
