import { NoticeError } from "../base/errors.js";
import { INSPECT } from "../base/inspect.js";
import { type Answers, DEGENERATE, METRICS, type Metric, type Score } from "./answers.js";
import { scoresFacts } from "./facts.js";
import type { MeasuredReading } from "./metrics.js";
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
  /** With what other metrics of the sweep say of it. */
  readonly clean: MeasuredReading;
  readonly corrupted: MeasuredReading;
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
}

/** The results contract of `notice sweep --json`. */
export interface ScoresJson extends SweepFacts {
  /** Those of every sweep, and its own. */
  readonly metrics: { readonly [metric in Metric]: Nested } & { readonly [metric: string]: Nested };
}

/**
 * A score for every patch of a sweep, as tables over layer, head and token. Null where nothing was patched. `Own` are
 * the names of metrics that this sweep has beside those of every sweep.
 */
export class Scores<Own extends string = never> {
  readonly #tables: Map<string, (number | null)[]>;

  constructor(
    readonly facts: SweepFacts,
    own: readonly string[] = [],
  ) {
    const size = facts.shape.reduce((product, side) => product * side, 1);
    const names: readonly string[] = [...METRICS, ...own];
    this.#tables = new Map(names.map((metric) => [metric, new Array<number | null>(size).fill(null)]));
  }

  /**
   * What `toJSON` wrote.
   *
   * @throws NoticeError `options` where a table has not its shape.
   */
  static from({ metrics, ...facts }: ScoresJson): Scores {
    const scores = new Scores(
      facts,
      Object.keys(metrics).filter((name) => !METRICS.includes(name as Metric)),
    );
    const { shape } = facts;
    const size = shape.reduce((product, side) => product * side, 1);
    for (const metric of scores.#tables.keys()) {
      const nested: readonly unknown[] = [metrics[metric]];
      const flat = nested.flat(shape.length) as (number | null)[];
      if (flat.length !== size || flat.some((value) => value !== null && typeof value !== "number"))
        throw new NoticeError("options", `The table of ${metric} is not one of [${shape}] numbers, or nulls.`);
      scores.#tables.set(metric, flat);
    }
    return scores;
  }

  /** One patch's score at its index along the axes; null where a metric says nothing of it. */
  set(index: readonly number[], score: { readonly [metric in Metric]: Score[metric] | null }): void {
    const at = this.#offset(index);
    for (const [metric, table] of this.#tables) table[at] = score[metric as Metric];
  }

  /**
   * @param index along the axes: layer, then head and token where the sweep has them.
   * @returns null where nothing was patched, or the metric says nothing of it.
   * @throws NoticeError `site` where the index is outside the table, `options` where there is no such metric.
   */
  at(metric: Metric | Own, ...index: readonly number[]): number | null {
    return this.#tableOf(metric)[this.#offset(index)]!;
  }

  /** [layer][head][token], or as many of these as the sweep has. */
  table(metric: Metric | Own): Nested {
    return nest(this.#tableOf(metric), this.facts.shape);
  }

  /** Clean and corrupted answers hardly differ, so that no `effect` is defined. */
  get degenerate(): boolean {
    const { clean, corrupted } = this.facts;
    return Math.abs(clean.logitDiff - corrupted.logitDiff) < DEGENERATE;
  }

  /** What `from` reads again. */
  toJSON(): ScoresJson {
    const { shape } = this.facts;
    const metrics = Object.fromEntries([...this.#tables].map(([metric, table]) => [metric, nest(table, shape)]));
    return { ...this.facts, metrics: metrics as ScoresJson["metrics"] };
  }

  /** For `console.log`: what was swept, and the largest of it. */
  [INSPECT](): string {
    return scoresFacts(this);
  }

  #tableOf(metric: string): readonly (number | null)[] {
    const table = this.#tables.get(metric);
    if (!table)
      throw new NoticeError(
        "options",
        `There is no metric ${JSON.stringify(metric)}; choose from ${[...this.#tables.keys()].join(", ")}.`,
      );
    return table;
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
