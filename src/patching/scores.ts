import { NoticeError } from "../base/errors.js";
import { INSPECT } from "../base/inspect.js";
import { scoresFacts } from "./facts.js";
import { type Answers, DEGENERATE, METRICS, type Metric, type Reading, type Score } from "./metrics.js";
import type { Direction, Mode } from "./pair.js";
import type { Site } from "./sites.js";

/** What a table of scores runs over. */
export type Axis = "layer" | "head" | "token";

/** Numbers nested as deep as a table has axes; null where there is none. */
export type Nested = number | null | readonly Nested[];

/** What a sweep found out, and about what. */
export interface SweepFacts {
  readonly model: string;
  readonly direction: Direction;
  readonly mode: Mode;
  readonly site: Site;
  /**
   * Along the token axis: the question's, `[DEC]`, or the image's (`[CLS]`, then patches as "row,column"); the
   * question's where the table has no such axis.
   */
  readonly tokens: readonly string[];
  readonly answers: Answers;
  readonly clean: Reading;
  readonly corrupted: Reading;
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
}

/** The results contract of `notice sweep --json`. */
export interface ScoresJson extends SweepFacts {
  readonly metrics: { readonly [metric in Metric]: Nested };
}

/** A score for every patch of a sweep, as tables over layer, head and token. Null where nothing was patched. */
export class Scores {
  readonly #tables: Record<Metric, (number | null)[]>;

  constructor(readonly facts: SweepFacts) {
    const size = facts.shape.reduce((product, side) => product * side, 1);
    this.#tables = Object.fromEntries(
      METRICS.map((metric) => [metric, new Array<number | null>(size).fill(null)]),
    ) as Record<Metric, (number | null)[]>;
  }

  /**
   * What `toJSON` wrote.
   *
   * @throws NoticeError `options` where a table has not its shape.
   */
  static from({ metrics, ...facts }: ScoresJson): Scores {
    const scores = new Scores(facts);
    const { shape } = facts;
    const size = shape.reduce((product, side) => product * side, 1);
    for (const metric of METRICS) {
      const nested: readonly unknown[] = [metrics[metric]];
      const flat = nested.flat(shape.length) as (number | null)[];
      if (flat.length !== size || flat.some((value) => value !== null && typeof value !== "number"))
        throw new NoticeError("options", `The table of ${metric} is not one of [${shape}] numbers, or nulls.`);
      scores.#tables[metric] = flat;
    }
    return scores;
  }

  /** One patch's score at its index along the axes; null where a metric says nothing of it. */
  set(index: readonly number[], score: { readonly [metric in Metric]: Score[metric] | null }): void {
    const at = this.#offset(index);
    for (const metric of METRICS) this.#tables[metric][at] = score[metric];
  }

  /**
   * @param index along the axes: layer, then head and token where the sweep has them.
   * @returns null where nothing was patched, or the metric says nothing of it.
   * @throws NoticeError `site` where the index is outside the table, `options` where there is no such metric.
   */
  at(metric: Metric, ...index: readonly number[]): number | null {
    return this.#tableOf(metric)[this.#offset(index)]!;
  }

  /** [layer][head][token], or as many of these as the sweep has. */
  table(metric: Metric): Nested {
    return nest(this.#tableOf(metric), this.facts.shape);
  }

  /** Clean and corrupted answers hardly differ, so that no `effect` is defined. */
  get degenerate(): boolean {
    const { clean, corrupted } = this.facts;
    return Math.abs(clean.logitDiff - corrupted.logitDiff) < DEGENERATE;
  }

  /** What `from` reads again. */
  toJSON(): ScoresJson {
    const metrics = Object.fromEntries(METRICS.map((metric) => [metric, this.table(metric)]));
    return { ...this.facts, metrics: metrics as ScoresJson["metrics"] };
  }

  /** For `console.log`: what was swept, and the largest of it. */
  [INSPECT](): string {
    return scoresFacts(this);
  }

  #tableOf(metric: Metric): readonly (number | null)[] {
    if (!METRICS.includes(metric))
      throw new NoticeError(
        "options",
        `There is no metric ${JSON.stringify(metric)}; choose from ${METRICS.join(", ")}.`,
      );
    return this.#tables[metric];
  }

  #offset(index: readonly number[]): number {
    const { axes, shape } = this.facts;
    if (index.length !== shape.length || index.some((i, axis) => !(Number.isInteger(i) && i >= 0 && i < shape[axis]!)))
      throw new NoticeError("site", `Index [${index}] is outside the table [${shape}] of ${axes.join(", ")}.`);
    return index.reduce((offset, i, axis) => offset * shape[axis]! + i, 0);
  }
}

function nest(flat: readonly (number | null)[], shape: readonly number[]): Nested {
  if (shape.length <= 1) return [...flat];
  const [count, ...rest] = shape as [number, ...number[]];
  const size = flat.length / count;
  return Array.from({ length: count }, (_, i) => nest(flat.slice(i * size, (i + 1) * size), rest));
}
