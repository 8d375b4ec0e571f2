/**
 * The name that takes the fewest insertions, deletions and replacements of a letter to reach.
 *
 * @param most so many at most; undefined where every name takes more.
 */
export function nearest(name: string, names: readonly string[], most = Infinity): string | undefined {
  const distances = names.map((candidate) => distance(name, candidate));
  const least = Math.min(...distances);
  return least <= most ? names[distances.indexOf(least)] : undefined;
}

/** The nearest name that takes at most so many; default: fewer than half its letters. Undefined where there is none. */
export function near(name: string, names: readonly string[], most?: number): string | undefined {
  const found = nearest(name, names);
  if (found === undefined) return undefined;
  const away = distance(name, found);
  const isNear = most === undefined ? 2 * away < Math.max(name.length, found.length) : away <= most;
  return isNear ? found : undefined;
}

/** Levenshtein's distance; a name of more than 200 letters is cut. */
function distance(a: string, b: string): number {
  const from = a.slice(0, 200);
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
