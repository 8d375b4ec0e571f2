/** The chance that a positive scores higher than a negative, ties counting half (area under the ROC curve). */
export function auroc(scored: readonly { readonly score: number; readonly positive: boolean }[]): number {
  const positives = scored.filter(({ positive }) => positive);
  const negatives = scored.filter(({ positive }) => !positive);
  if (positives.length === 0 || negatives.length === 0) throw new Error("both positives and negatives are needed");
  let won = 0;
  for (const { score } of positives)
    for (const { score: other } of negatives) won += score > other ? 1 : score === other ? 0.5 : 0;
  return won / (positives.length * negatives.length);
}
