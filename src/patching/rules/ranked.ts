import {
  bySize,
  columnMeans,
  type Evidence,
  FOUND_ENOUGH,
  type HeadSet,
  type HeadTable,
  type Rule,
  wholeRows,
} from "./rule.js";

const STEPS = 12;

/** Sizes from 0 to all, evenly spread. */
export const evenSizes = (all: number): number[] => [
  ...new Set(Array.from({ length: STEPS + 1 }, (_, i) => Math.round((i * all) / STEPS))),
];

/** The first heads of a ranking by mean size, as many as keep enough of the answer. */
export function ranking(about: string, of: (evidence: Evidence) => HeadTable | undefined): Rule {
  return {
    about,
    async find(evidence) {
      const rows = wholeRows(of(evidence) ?? [], evidence.heads.length);
      if (rows.length === 0) return undefined;
      const ranked = bySize(columnMeans(rows));
      return { circuit: await shortest(evidence, ranked), ranked };
    },
  };
}

/** The first heads, of which every longer beginning that is tried also keeps enough. */
async function shortest({ keep }: Evidence, ranked: HeadSet): Promise<HeadSet> {
  const coarse = evenSizes(ranked.length);
  const last = await lastShort(coarse);
  const [from, to] = [coarse[last] ?? -1, coarse[last + 1] ?? ranked.length];
  const fine = Array.from({ length: to - from - 1 }, (_, i) => from + 1 + i);
  return ranked.slice(0, fine[(await lastShort(fine)) + 1] ?? to);

  /** Index of the last size that keeps too little; -1 where none does. */
  async function lastShort(sizes: readonly number[]): Promise<number> {
    const kept = await keep(sizes.map((size) => ranked.slice(0, size)));
    return kept.findLastIndex((share) => share < FOUND_ENOUGH);
  }
}
