/** Three decimals; exponents where those would hide everything. @param none why there is no number. */
export function number(value: number): string;
export function number(value: number | null, none: string): string;
export function number(value: number | null, none = ""): string {
  if (value === null) return none;
  const small = value !== 0 && Math.abs(value) < 0.001;
  return (small ? value.toExponential(1) : value.toFixed(3)).replaceAll("-", "−");
}

/** Three decimals, whatever they hide: of shares, of which nothing smaller matters. */
export function rounded(value: number): string;
export function rounded(value: number | null, none: string): string;
export function rounded(value: number | null, none = ""): string {
  return value === null ? none : number(Math.round(value * 1000) / 1000 + 0);
}

/** Two decimals, of effects. */
export function twoDecimals(value: number): string {
  return (Math.round(value * 100) / 100 + 0).toFixed(2).replaceAll("-", "−");
}

/** A share in per cent. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "of none" : `${((100 * part) / whole).toFixed(1)}%`;
}
