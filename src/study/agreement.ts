import type { Site } from "../patching/sites.js";
import { TOKEN } from "./export.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";

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

/** How far gradients can be trusted on a data set in a modality. */
export interface AttributionAgreement {
  readonly dataset: string;
  readonly modality: Modality;
  readonly sites: readonly {
    readonly site: Site;
    /** Places of all samples that were patched. */
    readonly places: number;
    /** Pearson's correlation over these, and over the means of heads (or layers); null where one side is the same everywhere. */
    readonly pearson: number | null;
    readonly pearsonOfMeans: number | null;
  }[];
  /** Where the two are furthest apart at each site, worst first. */
  readonly misses: readonly PlaceAgreement[];
  /** Of each site the misses, those with the largest changes, and others at random. */
  readonly places: readonly PlaceAgreement[];
}

const [MISSES, LARGEST, OTHERS] = [3, 30, 30];

const PLACES = `
  SELECT sample, site, layer, head, position, attribution AS expected, logit_diff AS exact,
    ${TOKEN} AS token
  FROM scores JOIN passes USING (dataset, sample, modality)
  WHERE dataset = $1 AND modality = $2 AND attribution IS NOT NULL AND logit_diff IS NOT NULL`;

/** Compares what gradients expected with what patching did, wherever a run has both. */
export async function readAgreement({ store }: StudyRun): Promise<AttributionAgreement[]> {
  const groups = await store.rows<{ dataset: string; modality: Modality }>(
    "SELECT DISTINCT dataset, modality FROM scores WHERE attribution IS NOT NULL ORDER BY dataset, modality",
  );
  const found: AttributionAgreement[] = [];
  for (const { dataset, modality } of groups) {
    const of = [dataset, modality];
    const sites = await store.rows<AttributionAgreement["sites"][number]>(
      `WITH places AS (${PLACES}), means AS (
         SELECT site, layer, head, avg(expected) AS expected, avg(exact) AS exact FROM places GROUP BY ALL)
       SELECT site, places, pearson, "pearsonOfMeans" FROM
         (SELECT site, CAST(count(*) AS INTEGER) AS places, ${pearson} AS pearson FROM places GROUP BY site)
         JOIN (SELECT site, ${pearson} AS "pearsonOfMeans" FROM means GROUP BY site) USING (site) ORDER BY site`,
      of,
    );
    const ranked = (by: string) => `row_number() OVER (PARTITION BY site ORDER BY ${by}, ${KEY})`;
    const places = await store.rows<PlaceAgreement & { miss: boolean }>(
      `SELECT * EXCLUDE (place), place <= ${MISSES} AS miss
       FROM (SELECT *, ${ranked("abs(expected - exact) DESC")} AS place FROM (${PLACES}))
       QUALIFY miss OR ${ranked("greatest(abs(expected), abs(exact)) DESC")} <= ${LARGEST} OR ${ranked(`hash(${KEY})`)} <= ${OTHERS}
       ORDER BY abs(expected - exact) DESC, ${KEY}`,
      of,
    );
    const shown = places.map(({ miss, ...place }) => ({ miss, place }));
    const misses = shown.filter(({ miss }) => miss).map(({ place }) => place);
    found.push({ dataset, modality, sites, misses, places: shown.map(({ place }) => place) });
  }
  return found;
}

const KEY = "sample, site, layer, head, position";

/** Null instead of NaN. */
const pearson = "CASE WHEN stddev_pop(expected) > 0 AND stddev_pop(exact) > 0 THEN corr(expected, exact) END";
