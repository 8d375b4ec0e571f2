/** Numbers of tables: "-" for none, and no minus before zeros. */
const decimals = (digits: number) => (value: number | null) =>
  value === null ? "-" : value.toFixed(digits).replace(/^-(?=[0.]+$)/, "");

export const fixed2 = decimals(2);
export const fixed3 = decimals(3);
