import { LabelSwaps } from "../patching/nulls.js";
import type { Scores } from "../patching/scores.js";
import { fixed, Means } from "./means.js";
import { columns } from "./options.js";

/** As `sweepControlled` gives it. */
type Controlled = Scores<"random" | "pValue">;

/** Of the exchanges of a cut with its random ones. */
const SHARE = 0.95;

/** A table of cuts beside random ones: of one pair. */
export function randomCutsTable(table: Scores): string {
  const scores = table as Controlled;
  const rows = Array.from({ length: scores.facts.shape[0]! }, (_, layer) => [
    layer,
    ...(["effect", "random", "pValue"] as const).map((name) => fixed(scores.at(name, layer))),
  ]);
  return `\nBeside cuts to as many random tokens:\n\n${columns(rows, ["layer", "effect", "random cuts", "p"])}`;
}

/** Cuts of many pairs beside random ones. */
export class RandomCuts {
  readonly #means = new Means();
  readonly #swaps = new LabelSwaps({ share: SHARE });
  #layers = 0;

  /** Adds nothing of a sweep without random cuts, or of a pair without an effect. */
  add(table: Scores): void {
    const scores = table as Controlled;
    const { metrics, shape } = scores.toJSON();
    if (!("random" in metrics) || scores.degenerate) return;
    this.#layers = shape[0]!;
    const gaps = Array.from({ length: this.#layers }, (_, layer) => {
      const [effect, random] = [scores.at("effect", layer)!, scores.at("random", layer)!];
      this.#means.add(`effect ${layer}`, effect);
      this.#means.add(`random ${layer}`, random);
      return effect - random;
    });
    this.#swaps.add(gaps);
  }

  /** Of each layer; undefined without random cuts. */
  get found(): readonly { effect: number; random: number; chance: number }[] | undefined {
    if (this.#layers === 0) return undefined;
    return this.#swaps.found.each.map((chance, layer) => ({
      effect: this.#means.mean(`effect ${layer}`)!,
      random: this.#means.mean(`random ${layer}`)!,
      chance,
    }));
  }

  /** For people; empty without random cuts. */
  get table(): string {
    const { found } = this;
    if (!found) return "";
    const rows = found.map(({ effect, random, chance }, layer) => [
      ...[layer, fixed(effect), fixed(random), fixed(effect - random), fixed(chance)],
    ]);
    return (
      `\nBeside cuts to as many random tokens. By chance, which of the two is which in each pair drawn by a coin, the\n` +
      `difference would stay between - and + the last column in ${100 * SHARE}% of the draws.\n\n` +
      columns(rows, ["layer", "effect", "random cuts", "difference", "by chance"])
    );
  }
}
