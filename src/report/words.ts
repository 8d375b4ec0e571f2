import { Z95 } from "../base/mean.js";
import { twoFigures } from "../base/two-figures.js";
import type { Modality } from "../study/settings.js";

// How the report's sentences say numbers and lists.

/** What each corruption does, after "where". */
export const EXCHANGES: Record<Modality, string> = {
  image: "the picture is exchanged",
  text: "words of the text are exchanged",
  gaussian: "noise covers the picture",
};

/** Whole per cent: 71%, −5%. */
export const share = (value: number): string => `${whole(value)}%`;

const whole = (value: number) => `${Math.round(100 * value) + 0}`.replace("-", "−");

/** Of an interval in per cent: "66, 76". */
export const bounds = (low: number, high: number): string => `${whole(low)}, ${whole(high)}`;

/** 71% [66, 76]. */
export const shareWithin = (value: number, [low, high]: readonly [number, number]): string =>
  `${share(value)} [${bounds(low, high)}]`;

/** p to two figures, and 0.048 for 1/21. */
export const pText = (p: number): string => `p = ${twoFigures(p)}`;

/** "1 pair", "6 pairs". */
export const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? "" : "s"}`;

const CONJUNCTION = new Intl.ListFormat("en-GB");

/** "a, b and c". */
export const listed = (items: readonly string[]): string => CONJUNCTION.format(items);

/** "97%", or "93% to 99%". */
export function span(values: readonly number[]): string {
  const [least, most] = [share(Math.min(...values)), share(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}

/** Wilson's interval of 95% of a share of counts. */
export function wilson(part: number, of: number): [low: number, high: number] {
  const [rate, spread] = [part / of, Z95 ** 2 / of];
  const half = Z95 * Math.sqrt((rate * (1 - rate) + spread / 4) / of);
  return [(rate + spread / 2 - half) / (1 + spread), (rate + spread / 2 + half) / (1 + spread)];
}
