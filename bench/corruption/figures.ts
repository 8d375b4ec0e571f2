import { mean, middle95 } from "../../src/base/mean.js";
import { random } from "../../src/base/random.js";

/** How a picture, or what is asked of it, is corrupted. */
export const CORRUPTIONS = ["SIP", "STR", "Gaussian 0.3", "Gaussian 1", "Gaussian 3", "mean", "zero"] as const;
export type Corruption = (typeof CORRUPTIONS)[number];

/** The standard deviation in a name, in units of the normalised pixels. */
export const sigmaOf = (name: Corruption): number | undefined =>
  name.startsWith("Gaussian") ? Number(name.split(" ")[1]) : undefined;

const RESAMPLES = 1000;

/** A number, and the middle 95% of what it is where the items are drawn again with replacement. */
export function withInterval(
  items: number,
  seed: number,
  of: (drawn: readonly number[]) => number | null,
  resamples = RESAMPLES,
): string {
  const all = Array.from({ length: items }, (_, i) => i);
  const found = of(all);
  if (found === null || Number.isNaN(found)) return "–";
  const choose = random(seed, "bootstrap");
  const again = Array.from({ length: resamples }, () => of(all.map(() => choose.pick(all))) ?? found);
  const [low, high] = middle95(again.sort((a, b) => a - b));
  return low === high ? fixed(found) : `${fixed(found)} [${fixed(low)}, ${fixed(high)}]`;
}

/** The mean of some values with its interval. */
export const meanOf = (values: readonly number[], seed: number): string =>
  withInterval(values.length, seed, (drawn) => mean(drawn.map((at) => values[at]!)));

/** The mean of each column of the rows that were drawn. */
export function columnMeans(rows: readonly (readonly number[])[], drawn: readonly number[]): number[] {
  const sums = new Array<number>(rows[0]!.length).fill(0);
  for (const at of drawn) for (const [i, value] of rows[at]!.entries()) sums[i]! += value;
  return sums.map((sum) => sum / drawn.length);
}

/** A table in Markdown. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

// No minus before a zero.
const fixed = (value: number) => (Math.round(value * 100) / 100 + 0).toFixed(2);
