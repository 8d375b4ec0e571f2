import { listValue } from "@duckdb/node-api";
import type { HeadAt, HeadPlace } from "../../patching/head-place.js";
import type { CircuitSite, Site } from "../../patching/sites.js";
import type { Place } from "../position.js";
import type { Modality, Settings } from "../settings.js";
import type { Store } from "../store.js";
import { estimateOf, metricOf } from "./metric.js";

// Queries about the scores of heads and tokens, and about what is to be patched.

/** What circuits are found in. */
export interface Group {
  readonly dataset: string;
  readonly modality: Modality;
}

/** Groups of which pairs are patched. */
export const patchedGroups = (store: Store): Promise<Group[]> =>
  store.rows("SELECT DISTINCT dataset, modality FROM passes ORDER BY dataset, modality");

/** How many pairs of a group are patched. */
export const countPairs = (store: Store, { dataset, modality }: Group): Promise<number> =>
  store.count("SELECT count(*) FROM passes WHERE dataset = $1 AND modality = $2", [dataset, modality]);

/** The token that a position means, as SQL over `passes p` with its value as a parameter. */
function tokenSql(place: Place, parameter: string): [sql: string, value: number | string] {
  if (place.fromAnswer !== undefined) return [`p.answer_token + CAST(${parameter} AS INTEGER)`, place.fromAnswer];
  if (place.index !== undefined) return [`CAST(${parameter} AS INTEGER)`, place.index];
  if (place.isLast) return [`len(p.tokens) - CAST(${parameter} AS INTEGER)`, 1];
  return [`list_position(p.tokens, CAST(${parameter} AS VARCHAR)) - 1`, place.token];
}

/** A head's score in a sample; `patched` unless it is what gradients expect. */
interface HeadScore {
  readonly sample: string;
  readonly layer: number;
  readonly head: number;
  readonly score: number | null;
  readonly patched: boolean;
}

/** Every head's score at a place, sample by sample. */
export function headScoresAt(
  store: Store,
  settings: Settings,
  { dataset, modality, site, place }: Group & { readonly site: Site; readonly place: Place },
): Promise<HeadScore[]> {
  const [token, value] = tokenSql(place, "$4");
  return store.rows(
    `SELECT sample, layer, head, ${estimateOf(settings)} AS score, prob IS NOT NULL AS patched
     FROM scores JOIN passes p USING (dataset, sample, modality)
     WHERE dataset = $1 AND modality = $2 AND site = $3 AND (position IS NULL OR position = ${token})
     ORDER BY sample, layer, head`,
    [dataset, modality, site, value],
  );
}

/** All heads by their mean |effect|, that of a head in a sample being the sum over the question's tokens. */
export const headsByEffect = (
  store: Store,
  settings: Settings,
  {
    dataset,
    modality,
    sites,
    samples,
  }: Group & { readonly sites: readonly CircuitSite[]; readonly samples: Iterable<string> },
): Promise<HeadAt[]> =>
  // Rounded, since a sum over rows depends on their order in its last digits.
  store.rows(
    `SELECT site, layer, head FROM (
       SELECT site, layer, head, sample, sum(${estimateOf({ ...settings, metric: "effect" })}) AS effect
       FROM scores JOIN passes USING (dataset, sample, modality)
       WHERE dataset = $1 AND modality = $2 AND list_contains($3, site) AND list_contains($4, sample) GROUP BY ALL)
     GROUP BY site, layer, head ORDER BY round(avg(abs(effect)), 9) DESC, site, layer, head`,
    [dataset, modality, listValue([...sites]), listValue([...samples])],
  );

/** Every other sample, within each group that selection balances; only those that their corruption changes. */
export const halvedSamples = (
  store: Store,
  { leastDifference }: Settings,
  { dataset, modality }: Group,
): Promise<{ sample: string; half: number }[]> =>
  store.rows(
    `SELECT sample, half FROM (
       SELECT dataset, sample, ordinal, CAST(row_number() OVER (ORDER BY sample_group, ordinal) % 2 AS INTEGER) AS half
       FROM selected JOIN samples USING (dataset, sample) WHERE dataset = $1)
     JOIN passes USING (dataset, sample)
     WHERE modality = $2 AND abs(clean_logit_diff - corrupted_logit_diff) >= $3 ORDER BY ordinal`,
    [dataset, modality, leastDifference],
  );

/** The score of a whole row at one token of a sample's question. */
export interface TokenScore {
  readonly sample: string;
  readonly layer: number;
  readonly position: number;
  /** Null where the sample has none. */
  readonly score: number | null;
  readonly tokens: readonly string[];
  /** Where the two answers stand in the question, if they do. */
  readonly answer_token: number | null;
  readonly incorrect_token: number | null;
}

export const tokenScores = (
  store: Store,
  settings: Settings,
  { dataset, modality, site }: Group & { readonly site: string },
): Promise<TokenScore[]> =>
  store.rows(
    `SELECT sample, layer, position, ${metricOf(settings)} AS score, tokens, answer_token, incorrect_token
     FROM scores JOIN passes USING (dataset, sample, modality)
     WHERE dataset = $1 AND modality = $2 AND site = $3 AND position IS NOT NULL AND prob IS NOT NULL
     ORDER BY sample, layer, position`,
    [dataset, modality, site],
  );

/** Layers and heads of each site that has heads. */
export const siteShapes = (store: Store): Promise<{ site: string; layers: number; heads: number }[]> =>
  store.rows(
    "SELECT site, max(layer) + 1 AS layers, max(head) + 1 AS heads FROM scores WHERE head IS NOT NULL GROUP BY site",
  );

/** The heads of a layer that a screened run patches; null: the whole layer. */
interface Chosen extends Group {
  readonly site: Site;
  readonly layer: number;
  readonly heads: number[] | null;
}

export const chosenHeads = (store: Store): Promise<Chosen[]> =>
  store.rows(
    `SELECT dataset, modality, site, layer, list(head ORDER BY head) FILTER (head IS NOT NULL) AS heads
     FROM chosen GROUP BY ALL ORDER BY ALL`,
  );

/** Chooses the heads (or layers) of a site with the largest mean |attribution| over samples. */
export const chooseHeads = (store: Store, most: number): Promise<void> =>
  store.run(
    `INSERT INTO chosen SELECT dataset, modality, site, layer, head FROM expected
     GROUP BY dataset, modality, site, layer, head
     QUALIFY row_number() OVER (PARTITION BY dataset, modality, site ORDER BY avg(size) DESC, layer, head) <= $1`,
    [most],
  );

/** What a head attends to in each sample of a data set. */
export const attentionOf = (
  store: Store,
  { dataset, layer, head }: HeadPlace & { readonly dataset: string },
): Promise<Record<string, number | null>[]> =>
  store.rows(
    "SELECT * EXCLUDE (pattern) FROM attention WHERE dataset = $1 AND layer = $2 AND head = $3 ORDER BY sample",
    [dataset, layer, head],
  );

/** Where a head looks, of the samples of which that was kept, [sample][patch]: [CLS] left out. */
export const keptMaps = async (
  store: Store,
  { dataset, layer, head }: HeadPlace & { readonly dataset: string },
): Promise<number[][]> => {
  const rows = await store.rows<{ pattern: number[] }>(
    `SELECT pattern FROM attention
     WHERE dataset = $1 AND layer = $2 AND head = $3 AND len(pattern) > 1 ORDER BY sample`,
    [dataset, layer, head],
  );
  return rows.map(({ pattern }) => pattern.slice(1));
};

/** The patterns of a sample's heads, layer by layer. */
export const attentionPatterns = (
  store: Store,
  dataset: string,
  sample: string,
): Promise<{ layer: number; pattern: number[] }[]> =>
  store.rows("SELECT layer, pattern FROM attention WHERE dataset = $1 AND sample = $2 ORDER BY layer, head", [
    dataset,
    sample,
  ]);
