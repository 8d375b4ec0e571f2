/** Of a p-value: 0.0024, 0.048, 0.24. */
export const twoFigures = (p: number): string => (p < 0.1 ? `${Number(p.toPrecision(2))}` : p.toFixed(2));
