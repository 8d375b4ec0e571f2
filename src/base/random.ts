/** A stream of reproducible random choices: equal seeds give equal streams on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** One of the items, each equally likely. */
  pick<T>(items: readonly T[]): T;
  /** So many of the items, each subset equally likely. */
  draw<T>(items: readonly T[], count: number): T[];
  /** True with this probability. */
  chance(probability: number): boolean;
}

/**
 * A stream for these keys, independent of the streams of all others: `random(seed, "faces", 12)` is scene 12 however
 * many scenes are drawn. Keys are mixed by FNV-1a, numbers come from mulberry32.
 */
export function random(...keys: (number | string)[]): Random {
  let state = 0x811c9dc5;
  for (const character of keys.join("/")) {
    state = Math.imul(state ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    pick: (items) => items[Math.floor(next() * items.length)]!,
    draw(items, count) {
      const left = [...items];
      return Array.from({ length: count }, () => left.splice(Math.floor(next() * left.length), 1)[0]!);
    },
    chance: (probability) => next() < probability,
  };
}
