export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** NaN of nothing. */
export const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The middle 95% of a normal distribution lies within so many standard deviations of its mean. */
export const Z95 = 1.959964;

/** Null of nothing. */
export const meanOrNull = (values: readonly number[]): number | null => (values.length === 0 ? null : mean(values));

/** The 2.5th and 97.5th percentile of sorted values, of which there is one at least. */
export function middle95(sorted: ArrayLike<number>): [low: number, high: number] {
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return [at(0.025), at(0.975)];
}
