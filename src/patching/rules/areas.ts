/** Shares of all heads at which MIB keeps the first ones of a ranking. */
const SHARES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;

/** How many of so many heads MIB keeps at each of its shares. */
export const mibSizes = (heads: number): number[] => SHARES.map((share) => Math.floor(share * heads));

/**
 * MIB's circuit performance ratio and circuit-model distance of a ranking (Mueller et al. 2504.13151, section 3.2), as
 * its `evaluate_area_under_curve` computes them: faithfulness between what no head keeps and what all keep, trapezoids
 * over the shares from 0.001 to 1. Of heads, where MIB takes edges.
 *
 * @param kept at each of `mibSizes`.
 * @param none what is kept without any head.
 * @returns null where no head makes a difference.
 */
export function mibAreas(kept: readonly number[], none: number): { readonly cpr: number; readonly cmd: number } | null {
  const way = kept.at(-1)! - none;
  if (Math.abs(way) < 1e-3) return null;
  const faithful = kept.map((share) => (share - none) / way);
  const area = (height: (share: number) => number) =>
    faithful.slice(1).reduce((sum, share, i) => {
      const width = SHARES[i + 1]! - SHARES[i]!;
      return sum + (width * (height(share) + height(faithful[i]!))) / 2;
    }, 0);
  return { cpr: area((share) => share), cmd: area((share) => Math.abs(1 - share)) };
}
