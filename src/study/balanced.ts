import { random } from "../base/random.js";

// Which samples of a data set are taken.

/** In [0, 1): where a sample stands in every random choice among those of its data set. */
export const drawOf = (seed: number, dataset: string, id: string) => random(seed, "draw", dataset, id).next();

/** The groups take turns with their sound items, until there are `count` or none are left. */
export async function balanced<Item extends { readonly sample_group: string }>(
  items: readonly Item[],
  count: number,
  isSound: (item: Item) => Promise<boolean>,
): Promise<Item[]> {
  const groups = [...grouped(items, ({ sample_group }) => sample_group)].sort(([a], [b]) => (a < b ? -1 : 1));
  const waiting = groups.map(([, members]) => members.values());
  const chosen: Item[] = [];
  for (let before = -1; before < chosen.length; ) {
    before = chosen.length;
    for (const members of waiting) {
      if (chosen.length === count) return chosen;
      // The members of an array go on after a break.
      for (const item of members)
        if (await isSound(item)) {
          chosen.push(item);
          break;
        }
    }
  }
  return chosen;
}

/** Items by their key, in the order in which the keys come up. */
export function grouped<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const members = groups.get(key(item));
    if (members) members.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
