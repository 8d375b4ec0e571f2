import type { Architecture } from "../../model/architecture.js";
import type { Site } from "../../patching/sites.js";
import type { Store } from "../store.js";
import { tokenSql } from "./export.js";
import type { Group } from "./scores.js";

// Where a run has both what gradients expect of a patch and what it does.

/** A place of a sample, what gradients expect of patching it, and what patching it does, both in logits. */
export interface PlaceAgreement {
  readonly sample: string;
  readonly site: Site;
  readonly layer: number;
  readonly head: number | null;
  readonly position: number | null;
  /** At the position, of a question. */
  readonly token: string | null;
  readonly expected: number;
  readonly exact: number;
}

/** How far gradients can be trusted at a site. */
export interface SiteAgreement {
  readonly site: Site;
  /** Places of all samples that were patched. */
  readonly places: number;
  /**
   * Pearson's correlation over these, and over the means of heads (or layers); null where one side is the same
   * everywhere.
   */
  readonly pearson: number | null;
  readonly pearsonOfMeans: number | null;
}

const [MISSES, LARGEST, OTHERS] = [3, 30, 30];

const PLACES = `
  SELECT sample, site, layer, head, position, tokens, attribution AS expected, logit_diff AS exact
  FROM scores JOIN passes USING (dataset, sample, modality)
  WHERE dataset = $1 AND modality = $2 AND attribution IS NOT NULL AND logit_diff IS NOT NULL`;

const KEY = "sample, site, layer, head, position";

/** Null instead of NaN. */
const PEARSON = "CASE WHEN stddev_pop(expected) > 0 AND stddev_pop(exact) > 0 THEN corr(expected, exact) END";

/** Groups that have attributions. */
export const attributedGroups = (store: Store): Promise<Group[]> =>
  store.rows("SELECT DISTINCT dataset, modality FROM scores WHERE attribution IS NOT NULL ORDER BY dataset, modality");

export const siteAgreements = (store: Store, { dataset, modality }: Group): Promise<SiteAgreement[]> =>
  store.rows(
    `WITH places AS (${PLACES}), means AS (
       SELECT site, layer, head, avg(expected) AS expected, avg(exact) AS exact FROM places GROUP BY ALL)
     SELECT site, places, pearson, "pearsonOfMeans" FROM
       (SELECT site, CAST(count(*) AS INTEGER) AS places, ${PEARSON} AS pearson FROM places GROUP BY site)
       JOIN (SELECT site, ${PEARSON} AS "pearsonOfMeans" FROM means GROUP BY site) USING (site) ORDER BY site`,
    [dataset, modality],
  );

/** Of each site the worst misses, the places with the largest changes, and others at random. */
export function comparedPlaces(
  store: Store,
  { dataset, modality, architecture }: Group & { readonly architecture: Architecture },
): Promise<(PlaceAgreement & { readonly miss: boolean })[]> {
  const ranked = (by: string) => `row_number() OVER (PARTITION BY site ORDER BY ${by}, ${KEY})`;
  return store.rows(
    `SELECT * EXCLUDE (place, tokens), ${tokenSql(architecture)} AS token, place <= ${MISSES} AS miss
     FROM (SELECT *, ${ranked("abs(expected - exact) DESC")} AS place FROM (${PLACES}))
     QUALIFY miss OR ${ranked("greatest(abs(expected), abs(exact)) DESC")} <= ${LARGEST} OR ${ranked(`hash(${KEY})`)} <= ${OTHERS}
     ORDER BY abs(expected - exact) DESC, ${KEY}`,
    [dataset, modality],
  );
}
