import type { PairFound } from "../jobs/patch-pairs.js";
import { indexesOf } from "../patching/agreement.js";
import type { Axis } from "../patching/scores.js";
import type { Modality } from "./settings.js";
import type { Row } from "./tables.js";

export type Place = { readonly dataset: string; readonly sample: string; readonly modality: Modality };
type Found = Extract<PairFound, { readonly refused?: undefined }>;

export function passRow({ scores, tokens, answerToken, incorrectToken }: Found, place: Place): Row {
  const { clean, corrupted } = scores[0]!.facts;
  return {
    ...place,
    tokens,
    answer_token: answerToken,
    incorrect_token: incorrectToken,
    clean_prob: clean.prob,
    clean_logit_diff: clean.logitDiff,
    corrupted_prob: corrupted.prob,
    corrupted_logit_diff: corrupted.logitDiff,
  };
}

/**
 * A row for each place of a pair's tables that was patched or has an attribution; without a token axis `position` is
 * null, without a head axis `head`. Several sweeps of a site are parts of it.
 */
export function* scoreRows({ scores, attributions }: Found, place: Place): Generator<Row> {
  for (const site of new Set(scores.map(({ facts }) => facts.site))) {
    const parts = scores.filter(({ facts }) => facts.site === site);
    const expected = attributions.find(({ facts }) => facts.site === site);
    const { axes, shape } = parts[0]!.facts;
    for (const index of indexesOf(shape)) {
      const patched = parts.find((part) => part.at("prob", ...index) !== null);
      if (!patched && !expected) continue;
      const along = (axis: Axis) => (axes.includes(axis) ? index[axes.indexOf(axis)]! : null);
      yield {
        ...place,
        site,
        layer: along("layer"),
        head: along("head"),
        position: along("token"),
        prob: patched?.at("prob", ...index),
        prob_diff: patched?.at("probDiff", ...index),
        logit_diff: patched?.at("logitDiff", ...index),
        effect: patched?.at("effect", ...index),
        attribution: expected?.at("logitDiff", ...index),
      };
    }
  }
}
