import type { Nested } from "../patching/scores.js";
import type { PairResult, SweepResult } from "../pool/messages.js";
import type { Modality } from "./settings.js";
import type { Row } from "./tables.js";

export type Place = { readonly dataset: string; readonly sample: string; readonly modality: Modality };
type Found = PairResult & { readonly scores: readonly SweepResult[] };

export function passRow({ scores, tokens, answerToken, incorrectToken }: Found, place: Place): Row {
  const { clean, corrupted } = scores[0]!;
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
 * A row for each place of a pair's tables that was patched or has an attribution; without a token axis `position` is null,
 * without a head axis `head`. Several sweeps of a site are parts of it.
 */
export function* scoreRows({ scores, attributions }: Found, place: Place): Generator<Row> {
  for (const site of new Set(scores.map((one) => one.site))) {
    const parts = scores.filter((one) => one.site === site);
    const expected = attributions.find((one) => one.site === site)?.metrics.logitDiff;
    const { axes, metrics } = parts[0]!;
    for (const { index, at } of entriesOf(metrics.prob!)) {
      const patched = parts.find((part) => at(part.metrics.prob!) !== null)?.metrics;
      if (!patched && !expected) continue;
      const along = (axis: (typeof axes)[number]) => (axes.includes(axis) ? index[axes.indexOf(axis)]! : null);
      yield {
        ...place,
        site,
        layer: along("layer"),
        head: along("head"),
        position: along("token"),
        prob: patched && at(patched.prob!),
        prob_diff: patched && at(patched.probDiff!),
        logit_diff: patched && at(patched.logitDiff!),
        effect: patched && at(patched.effect!),
        attribution: expected && at(expected),
      };
    }
  }
}

interface Entry {
  readonly index: readonly number[];
  /** Its number in a table of the same shape. */
  at(table: Nested): number | null;
}

export function* entriesOf(table: Nested, index: readonly number[] = []): Generator<Entry> {
  if (Array.isArray(table)) for (const [i, part] of table.entries()) yield* entriesOf(part, [...index, i]);
  else
    yield {
      index,
      at: (other) => index.reduce((part, i) => (part as readonly Nested[])[i]!, other) as number | null,
    };
}
