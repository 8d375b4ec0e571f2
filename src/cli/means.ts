/** Means over pairs of any number of values, by name. */
export class Means {
  readonly #of = new Map<string, { sum: number; sizes: number; count: number }>();

  /** A value of one pair; null where the pair has none, and does not count. */
  add(name: string, value: number | null): void {
    if (value === null) return;
    const { sum, sizes, count } = this.#of.get(name) ?? { sum: 0, sizes: 0, count: 0 };
    this.#of.set(name, { sum: sum + value, sizes: sizes + Math.abs(value), count: count + 1 });
  }

  /** Null where no pair has a value. */
  mean(name: string): number | null {
    const found = this.#of.get(name);
    return found ? found.sum / found.count : null;
  }

  /** Of |value|. */
  meanSize(name: string): number | null {
    const found = this.#of.get(name);
    return found ? found.sizes / found.count : null;
  }

  /** How many pairs have a value. */
  count(name: string): number {
    return this.#of.get(name)?.count ?? 0;
  }
}
