import { checkObject } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import type { HeadMap } from "../page/map.js";
import { answerName, type Metric } from "../patching/answers.js";
import type { Scores } from "../patching/scores.js";

/** What the numbers of each metric are. */
export const LEGENDS: Record<Metric, string> = {
  effect: "effect (1 = all of the logit difference)",
  logitDiff: "change of the logit difference (logits)",
  prob: "P(correct) of the patched pass",
  probDiff: "change of P(correct)",
};

/** Which numbers of a sweep are drawn. */
export interface ScoreMapOptions {
  /** Default: `effect`, or `logitDiff` where no effect is defined. */
  readonly metric?: Metric;
  /** The token whose layer x head map is shown, where there are tokens. Default: the one that carries most. */
  readonly token?: number;
  /** A word of the checkpoint's on its heads. */
  readonly note?: string;
}

export const SCORE_MAP_KEYS = keysOf<ScoreMapOptions>({ metric: true, token: true, note: true });

/**
 * One two-dimensional view of a sweep: layer x head at one token, or layer x token for sites without heads.
 *
 * @throws NoticeError `options`
 */
export function scoreMap(scores: Scores, options: ScoreMapOptions = {}): HeadMap {
  checkObject("What scoreMap draws", scores, "the scores of a sweep");
  checkShape("scoreMap", options, { such: "{ metric }", keys: SCORE_MAP_KEYS });
  const { metric = scores.degenerate ? "logitDiff" : "effect" } = options;
  const { site, axes, shape, model, direction, answers, tokens } = scores.facts;
  const [layers, second = 1] = shape as [number, number?];
  const byToken = axes[1] === "token";
  const token = axes[2] === "token" ? shownToken(scores, metric, options.token) : undefined;
  const at = (layer: number, column: number) =>
    axes.length === 1
      ? scores.at(metric, layer)
      : scores.at(metric, layer, column, ...(token === undefined ? [] : [token]));
  const where = token === undefined ? "" : ` at token ${token} (${tokens[token]})`;
  return {
    values: Array.from({ length: layers }, (_, layer) =>
      Array.from({ length: second }, (_, column) => at(layer, column)),
    ),
    title: `${site}${where}`,
    subtitle: [
      `${direction}, ${answerName(answers.correct)} or ${answerName(answers.incorrect)}, ${model}`,
      ...(options.note ? [options.note] : []),
    ],
    legend: LEGENDS[metric],
    rows: { title: "layer" },
    columns: byToken ? { title: "token", labels: tokens } : { title: axes.length === 1 ? "layer as a whole" : "head" },
  };
}

/** The token asked for if it was patched, or else the one with the largest sum of |score|. */
function shownToken(scores: Scores, metric: Metric, asked?: number): number {
  const { shape } = scores.facts;
  const [layers, heads, count] = shape as [number, number, number];
  const sums = new Array<number>(count).fill(Number.NEGATIVE_INFINITY);
  for (let layer = 0; layer < layers; layer++)
    for (let head = 0; head < heads; head++)
      for (let token = 0; token < count; token++) {
        const value = scores.at(metric, layer, head, token);
        if (value !== null) sums[token] = Math.max(0, sums[token]!) + Math.abs(value);
      }
  return asked !== undefined && sums[asked]! >= 0 ? asked : sums.indexOf(Math.max(...sums));
}
