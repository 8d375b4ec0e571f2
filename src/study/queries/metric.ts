import type { Metric } from "../../patching/metrics.js";
import type { Settings } from "../settings.js";

/** The columns of `scores` that hold the metrics. */
const COLUMNS: Record<Metric, string> = {
  prob: "prob",
  probDiff: "prob_diff",
  logitDiff: "logit_diff",
  effect: "effect",
};

/** A run's metric as SQL over `scores JOIN passes`; null where a sample has no effect. */
export function metricOf({ metric, leastDifference }: Settings): string {
  return metric === "effect" ? guarded("effect", leastDifference) : COLUMNS[metric];
}

/**
 * The same, with the attribution in place of scores that were not computed. Gradients say nothing about probabilities;
 * there, the patch counts as no change.
 */
export function estimateOf(settings: Settings): string {
  const [base, way] =
    settings.direction === "denoise"
      ? ["corrupted_prob", "(clean_logit_diff - corrupted_logit_diff)"]
      : ["clean_prob", "(corrupted_logit_diff - clean_logit_diff)"];
  const estimates: Record<Metric, string> = {
    prob: base,
    probDiff: "0",
    logitDiff: "attribution",
    effect: guarded(`attribution / ${way}`, settings.leastDifference),
  };
  return `CASE WHEN prob IS NULL THEN ${estimates[settings.metric]} ELSE ${metricOf(settings)} END`;
}

function guarded(share: string, leastDifference: number): string {
  return `CASE WHEN abs(clean_logit_diff - corrupted_logit_diff) >= ${leastDifference} THEN ${share} END`;
}
