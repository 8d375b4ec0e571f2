import { listValue } from "@duckdb/node-api";
import type { Site } from "../../patching/sites.js";
import type { Store } from "../store.js";
import type { Group } from "./scores.js";

// What the authors' published procedure reads.

/** A sample's question, and its correct answer. */
interface QuestionTokens {
  readonly sample: string;
  readonly tokens: readonly string[];
  readonly correct: string;
  readonly answer_token: number | null;
}

export const questionTokens = (store: Store, { dataset, modality }: Group): Promise<QuestionTokens[]> =>
  store.rows(
    `SELECT sample, tokens, correct, answer_token FROM passes JOIN samples USING (dataset, sample)
     WHERE dataset = $1 AND modality = $2 ORDER BY sample`,
    [dataset, modality],
  );

/** `prob` of every head at a token of some samples. */
export const chancesAt = (
  store: Store,
  {
    dataset,
    modality,
    site,
    position,
    samples,
  }: Group & { readonly site: Site; readonly position: number; readonly samples: readonly string[] },
): Promise<{ sample: string; layer: number; head: number; prob: number | null }[]> =>
  store.rows(
    `SELECT sample, layer, head, prob FROM scores
     WHERE dataset = $1 AND modality = $2 AND site = $3 AND position = $4 AND list_contains($5, sample)
     ORDER BY sample, layer, head`,
    [dataset, modality, site, position, listValue([...samples])],
  );
