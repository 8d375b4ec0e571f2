import type { Scores } from "../patching/scores.js";
import { fixed3 } from "./decimals.js";
import { Means } from "./means.js";
import { columns } from "./options.js";

/** As `sweepControlled` gives it. */
type Controlled = Scores<"random" | "pValue">;

const layersOf = (scores: Scores) => Array.from({ length: scores.facts.shape[0]! }, (_, layer) => layer);

/** A table of cuts beside random ones: of one pair. */
export function randomCutsTable(table: Scores): string {
  const scores = table as Controlled;
  const rows = layersOf(scores).map((layer) => [
    layer,
    ...(["effect", "random", "pValue"] as const).map((name) => fixed3(scores.at(name, layer))),
  ]);
  return `\nBeside cuts to as many random tokens:\n\n${columns(rows, ["layer", "effect", "random cuts", "p"])}`;
}

/** A layer's means over pairs. */
interface MeanCut {
  readonly effect: number | null;
  readonly random: number | null;
  readonly pValue: number | null;
  /** By chance the mean p-value is at least this in 95% of lists. */
  readonly byChance: number;
}

/** Cuts of many pairs beside random ones. */
export class RandomCuts {
  readonly #means = new Means();
  #layers: readonly number[] = [];

  /** @param sets random cuts of each pair. */
  constructor(private readonly sets: number) {}

  add(table: Scores): void {
    const scores = table as Controlled;
    this.#layers = layersOf(scores);
    for (const layer of this.#layers)
      for (const name of ["effect", "random", "pValue"] as const)
        this.#means.add(`${name} ${layer}`, scores.at(name, layer));
  }

  /** Of each layer, by itself. */
  get found(): MeanCut[] {
    return this.#layers.map((layer) => ({
      effect: this.#means.mean(`effect ${layer}`),
      random: this.#means.mean(`random ${layer}`),
      pValue: this.#means.mean(`pValue ${layer}`),
      byChance: leastMean(this.sets, this.#means.count(`pValue ${layer}`)),
    }));
  }

  /** For people. */
  get table(): string {
    const rows = this.found.map(({ effect, random, pValue, byChance }, layer) => [
      ...[layer, fixed3(effect), fixed3(random), fixed3(pValue), fixed3(byChance)],
    ]);
    return (
      `\nBeside ${this.sets} cuts to as many random tokens. Were the tokens no others than random ones, the mean p-value of a\n` +
      "layer would be above the last column in 95% of lists.\n\n" +
      columns(rows, ["layer", "effect", "random cuts", "mean p", "by chance above"])
    );
  }
}

/**
 * A pair's p-value is any of 1/(n+1), 2/(n+1), … 1 alike where its cut is one of n + 1 random ones (ties make it
 * larger): the 5th percentile of the mean of so many, by the normal distribution.
 */
function leastMean(sets: number, pairs: number): number {
  const n = sets + 1;
  return (n + 1) / (2 * n) - 1.644854 * Math.sqrt((n * n - 1) / (12 * n * n) / Math.max(1, pairs));
}
