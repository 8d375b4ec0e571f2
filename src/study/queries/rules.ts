import { listValue } from "@duckdb/node-api";
import type { Site } from "../../patching/sites.js";
import type { Settings } from "../settings.js";
import type { Store } from "../store.js";
import type { Row } from "../tables.js";
import { estimateOf } from "./metric.js";
import type { Group } from "./scores.js";

// Circuits by rules, and what they are found from.

/** A head in a sample, over all tokens. */
interface HeadTotal {
  readonly sample: string;
  readonly site: Site;
  readonly layer: number;
  readonly head: number;
  readonly effect: number | null;
  /** Of the way, as `effect`; null where none was stored. */
  readonly attribution: number | null;
  readonly patched: boolean;
}

/** Every head of the sites in every sample. */
export const headTotals = (
  store: Store,
  settings: Settings,
  { dataset, modality, sites }: Group & { readonly sites: readonly Site[] },
): Promise<HeadTotal[]> =>
  store.rows(
    // In an order of their own, since a sum over rows depends on their order in its last digits.
    `SELECT sample, site, layer, head,
       sum(${estimateOf({ ...settings, metric: "effect" })} ORDER BY position) AS effect,
       sum(attribution / (clean_logit_diff - corrupted_logit_diff) ORDER BY position) AS attribution,
       bool_and(prob IS NOT NULL) AS patched
     FROM scores JOIN passes USING (dataset, sample, modality)
     WHERE dataset = $1 AND modality = $2 AND list_contains($3, site) GROUP BY ALL
     ORDER BY sample, site, layer, head`,
    [dataset, modality, listValue([...sites])],
  );

/** What is known of sets of heads in a group. */
export const knownKept = (
  store: Store,
  { dataset, modality }: Group,
): Promise<{ sample: string; heads: string; kept: number | null }[]> =>
  store.rows("SELECT sample, heads, kept FROM kept WHERE dataset = $1 AND modality = $2", [dataset, modality]);

/** A circuit by a rule, and what it does on other samples. */
export interface RuleRow extends Group {
  readonly rule: string;
  readonly heads: readonly string[];
  readonly size: number;
  readonly of: number;
  readonly found_on: number;
  readonly tested_on: number;
  readonly kept: number;
  readonly kept_low: number;
  readonly kept_high: number;
  readonly removed: number;
  readonly no_head: number;
  readonly random: number | null;
  readonly random_sets: number;
  readonly p_value: number | null;
  readonly cpr: number | null;
  readonly cmd: number | null;
}

/** Those that follow from these settings, in the order in which they were found. */
export const ruleRows = (store: Store, reading: string): Promise<RuleRow[]> =>
  store.rows("SELECT * EXCLUDE (reading) FROM rules WHERE reading = $1 ORDER BY dataset, modality, rowid", [reading]);

/** Writes those of a group in the place of its earlier ones. */
export const writeRules = (store: Store, { dataset, modality }: Group, rows: readonly Row[]): Promise<void> =>
  store.transaction(async () => {
    await store.run("DELETE FROM rules WHERE dataset = $1 AND modality = $2", [dataset, modality]);
    await store.insert("rules", rows);
  });
