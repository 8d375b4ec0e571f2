/** NaN of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Null of nothing. */
export const meanOrNull = (values: readonly number[]): number | null => (values.length === 0 ? null : mean(values));
