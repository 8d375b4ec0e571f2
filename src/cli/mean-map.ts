import type { Metric } from "../patching/answers.js";
import type { Nested, Scores } from "../patching/scores.js";
import { fixed3 } from "./decimals.js";
import { Means } from "./means.js";
import { columns } from "./options.js";

/** The mean over pairs of a layer x head map; layer x 1 at sites without heads. */
export class MeanMap {
  readonly #means = new Means();
  #shape: readonly [number, number] = [0, 0];

  /** One pair's, [layer][head]; null where it has no value. */
  add(map: readonly (readonly (number | null)[])[]): void {
    this.#shape = [map.length, map[0]!.length];
    for (const [layer, row] of map.entries())
      for (const [head, effect] of row.entries()) this.#means.add(`${layer},${head}`, effect);
  }

  /** For JSON: how many pairs have values, and the means of these and of their sizes, [layer][head]. */
  get found() {
    const each = <Value>(value: (name: string) => Value) =>
      Array.from({ length: this.#shape[0] }, (_, layer) =>
        Array.from({ length: this.#shape[1] }, (_, head) => value(`${layer},${head}`)),
      );
    return {
      pairs: Math.max(...each((name) => this.#means.count(name)).flat()),
      mean: each((name) => this.#means.mean(name)),
      meanSize: each((name) => this.#means.meanSize(name)),
    };
  }
}

/**
 * [layer][head] or [layer][0]: what becomes of the values at the tokens; null where nothing was patched, or clean and
 * corrupted answers hardly differ.
 */
export function overTokens(scores: Scores, metric: Metric, fold: (values: readonly number[]) => number) {
  const folded = (nested: Nested): number | null => {
    if (nested === null || typeof nested === "number") return nested;
    const known = nested.map(folded).filter((value) => value !== null);
    return known.length === 0 ? null : fold(known);
  };
  const perHead = scores.facts.axes[1] === "head";
  const layers = scores.table(metric) as readonly Nested[];
  return layers.map((layer) => (perHead ? (layer as readonly Nested[]) : [layer]).map(folded));
}

/** For people. */
export function meanTable(mean: readonly (readonly (number | null)[])[]): string {
  const rows = mean.map((row, layer) => [layer, ...row.map(fixed3)]);
  return columns(rows, ["layer", ...(mean[0] ?? []).map((_, head) => `${head}`)]);
}
