import { join } from "node:path";
import type { Site } from "../../src/patching/sites.js";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "./checkpoint.js";

const MODALITY = { modality: "image" } as const;
const TOKENS = ["[CLS]", "red", "?"];

interface Made {
  readonly dataset: string;
  readonly architecture: string;
  readonly hash: string;
  readonly site: string;
  /** Of the run's settings. Default: those of blip-vqa. */
  readonly sites?: Site[];
  readonly layers: number;
  /** Effects of heads, six a layer, [sample][head]. */
  readonly effects: readonly (readonly number[])[];
  /** Where every head looks, by sample. */
  readonly looks: readonly Record<string, number>[];
}

const LOOKS = { object_mass: 0.6, object_uniform: 0.2, auroc: 0.9 };

const BASE: Made = {
  dataset: "own",
  architecture: "blip-vqa",
  hash: "0123456789abcdef",
  site: "text.cross.z",
  layers: 2,
  effects: [effects({ 3: 0.9, 8: 0.3 }), effects({ 3: 0.8, 8: 0.4 })],
  looks: [LOOKS],
};

/** Twelve heads: small effects that differ, and these. */
export function effects(large: Record<number, number>): number[] {
  return Array.from({ length: 12 }, (_, head) => large[head] ?? 0.001 * head);
}

/** A run whose rows say this, with a mask on which every head of the circuit looks. */
export async function madeRun(given: Partial<Made> = {}): Promise<StudyRun> {
  const { dataset, architecture, hash, site, sites, layers, effects, looks } = { ...BASE, ...given };
  const run = await StudyRun.open(join(temporaryFolder(), "run"), {
    dataset: ["own.csv"],
    ...(sites ? { sites } : {}),
  });
  await run.store.insert("provenance", [{ id: 0, model_hash: hash, architecture }]);
  for (const [i, heads] of effects.entries()) {
    const sample = `${i}`;
    const place = { dataset, sample, ...MODALITY };
    const differences = { clean_logit_diff: 3, corrupted_logit_diff: -1, clean_prob: 0.9, corrupted_prob: 0.25 };
    await run.store.insert("passes", [
      { ...place, tokens: TOKENS, answer_token: 1, incorrect_token: 2, ...differences },
    ]);
    await run.store.insert("patched", [{ dataset, sample, provenance: 0 }]);
    const placed = heads.map((effect, at) => ({
      effect,
      layer: Math.floor((at * layers) / 12),
      head: at % (12 / layers),
    }));
    await run.store.insert(
      "scores",
      placed.map((one) => ({
        ...place,
        site,
        position: 1,
        prob: 0.5,
        prob_diff: 0,
        logit_diff: 4 * one.effect,
        ...one,
      })),
    );
    await run.store.insert(
      "attention",
      placed.map(({ layer, head }) => ({ dataset, sample, layer, head, ...looks[i % looks.length] })),
    );
  }
  return run;
}
