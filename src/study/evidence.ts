import { lookingSite } from "../patching/answer-attention.js";
import type { HeadAt } from "../patching/head-place.js";
import { METRICS, type Metric } from "../patching/metrics.js";
import type { Evidence, HeadTable } from "../patching/rules/rule.js";
import { type CircuitSite, circuitSites, parseSite } from "../patching/sites.js";
import { parsePosition } from "./position.js";
import { publishedTable } from "./published.js";
import { headTotals } from "./queries/rules.js";
import { type Group, headScoresAt, siteShapes } from "./queries/scores.js";
import type { StudyRun } from "./run.js";

/** The sites of a run whose heads circuits are made of. */
export async function testedSites(run: StudyRun): Promise<CircuitSite[]> {
  return circuitSites(await run.architecture()).filter((site) => run.settings.sites.includes(site));
}

/** Every head of these sites, as the run's scores have them. */
export async function headsOf(run: StudyRun, sites: readonly CircuitSite[]): Promise<HeadAt[]> {
  const shapes = new Map((await siteShapes(run.store)).map(({ site, ...shape }) => [site, shape]));
  return sites.flatMap((site) => {
    const { layers, heads } = shapes.get(site) ?? { layers: 0, heads: 0 };
    return Array.from({ length: layers * heads }, (_, at) => ({
      site,
      layer: Math.floor(at / heads),
      head: at % heads,
    }));
  });
}

/** What a run's scores say of these samples. */
export async function scoredEvidence(
  run: StudyRun,
  group: Group,
  { heads, sites, samples }: { heads: readonly HeadAt[]; sites: readonly CircuitSite[]; samples: readonly string[] },
): Promise<Omit<Evidence, "keep">> {
  const { store, settings } = run;
  const place = new Map(heads.map((head, at) => [placeOf(head), at]));
  const table = (rows: readonly (HeadAt & { sample: string; score: number | null })[]): HeadTable => {
    const bySample = new Map(samples.map((sample) => [sample, heads.map((): number | null => null)]));
    for (const row of rows) {
      const scores = bySample.get(row.sample);
      if (scores) scores[place.get(placeOf(row))!] = row.score;
    }
    return [...bySample.values()];
  };
  const scores = {} as Record<Metric, HeadTable>;
  for (const metric of METRICS) scores[metric] = table(await scoresAt(run, group, sites, metric));
  const totals = await headTotals(store, settings, { ...group, sites });
  const of = (name: "effect" | "attribution") =>
    table(totals.map((row) => ({ ...row, site: row.site as CircuitSite, score: row[name] })));
  const patched = heads.map(() => true);
  for (const row of totals) if (!row.patched) patched[place.get(placeOf(row))!] = false;
  const { metric, rate, seed } = settings;
  const published = await publishedRows(run, group, { heads, samples });
  return {
    published,
    heads,
    scores,
    effects: of("effect"),
    attributions: of("attribution"),
    patched,
    metric,
    rate,
    seed,
  };
}

const placeOf = ({ site, layer, head }: { site: string; layer: number; head: number }) => `${site} ${layer} ${head}`;

async function scoresAt(run: StudyRun, group: Group, sites: readonly CircuitSite[], metric: Metric) {
  const architecture = await run.architecture();
  const found: (HeadAt & { sample: string; score: number | null })[] = [];
  for (const site of sites) {
    const { tokens } = parseSite({ architecture }, site);
    // Of what an answer begins with there is nothing to choose.
    const place = tokens === "answer" ? { index: 0 } : parsePosition(run.settings.position);
    const rows = await headScoresAt(run.store, { ...run.settings, metric }, { ...group, site, place });
    for (const { sample, layer, head, score } of rows) found.push({ site, layer, head, sample, score });
  }
  return found;
}

/** What the published procedure reads, in the places of all heads. */
async function publishedRows(
  run: StudyRun,
  group: Group,
  { heads, samples }: { readonly heads: readonly HeadAt[]; readonly samples: readonly string[] },
): Promise<HeadTable> {
  const site = lookingSite({ architecture: await run.architecture() });
  const shape = (await siteShapes(run.store)).find((one) => one.site === site);
  const first = heads.findIndex((head) => head.site === site);
  if (site === undefined || shape === undefined || first === -1) return [];
  const { table } = await publishedTable(run, group, site, shape, samples);
  return table.map((row) => heads.map((_, at) => row[at - first] ?? null));
}
