import { mean } from "../base/mean.js";
import { checkShape } from "../base/options.js";
import type { Scores } from "./scores.js";

/** How far an approximation of a sweep can be trusted. */
export interface Agreement {
  /** Places that both have scored. */
  readonly places: number;
  /** Pearson's correlation over these; null where one of them is the same everywhere. */
  readonly pearson: number | null;
  /** Where the two are furthest apart, in logits, worst first. */
  readonly misses: readonly { readonly index: readonly number[]; readonly exact: number; readonly found: number }[];
}

/** Compares change by change of the logit difference what an approximation found with what patching did. */
export function agreement(found: Scores, exact: Scores, options: { readonly worst?: number } = {}): Agreement {
  checkShape("agreement", options, { such: "{ worst: 5 }", keys: ["worst"] });
  const { worst = 5 } = options;
  const places = indexesOf(exact.facts.shape).flatMap((index) => {
    const [a, b] = [found.at("logitDiff", ...index), exact.at("logitDiff", ...index)];
    return a === null || b === null ? [] : [{ index, found: a, exact: b }];
  });
  const misses = [...places].sort((a, b) => Math.abs(b.found - b.exact) - Math.abs(a.found - a.exact));
  const correlation = pearson(
    places.map((one) => one.found),
    places.map((one) => one.exact),
  );
  return { places: places.length, pearson: correlation, misses: misses.slice(0, worst) };
}

/** Pearson's correlation; null where there is none. */
export function pearson(a: readonly number[], b: readonly number[]): number | null {
  const centred = (values: readonly number[]) => {
    const centre = mean(values);
    return values.map((value) => value - centre);
  };
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const [x, y] = [centred(a), centred(b)];
  const scale = Math.sqrt(dot(x, x) * dot(y, y));
  return scale > 0 ? dot(x, y) / scale : null;
}

/** Every index of a table of this shape, the last axis fastest. */
export function indexesOf([size, ...rest]: readonly number[]): number[][] {
  if (size === undefined) return [[]];
  const inner = indexesOf(rest);
  return Array.from({ length: size }, (_, i) => inner.map((tail) => [i, ...tail])).flat();
}
