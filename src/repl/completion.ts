import { METRICS } from "../patching/metrics.js";
import { SITES } from "../patching/sites.js";
import { BACKENDS } from "../platform/backend.js";

/** What may stand in a string after these property names. */
const VALUES: Record<string, readonly string[]> = {
  site: SITES,
  direction: ["denoise", "noise"],
  metric: METRICS,
  backend: ["auto", ...BACKENDS],
};

/** What may stand in a string that is a call's first argument: `run.at("text…`, `scores.at("eff…`. */
const ARGUMENTS: readonly string[] = [...SITES, ...METRICS];

/**
 * What a string that is being typed at the end of a line may become: a site, a direction, a metric, a position.
 *
 * @param words of the question, for positions.
 * @returns the candidates and what they complete, as Node's readline wants it; undefined where no such string is open.
 */
export function completeString(line: string, words: readonly string[]): [string[], string] | undefined {
  const [, property, call, typed] = /(?:(\w+)\s*:\s*|(\.at|\.table)\(\s*)["'`]([\w.+-]*)$/.exec(line) ?? [];
  if (typed === undefined) return undefined;
  const positions = ["answer", "all", ...new Set(words.filter((word) => /^\w+$/.test(word)))];
  const all = call
    ? ARGUMENTS
    : property === "position"
      ? positions
      : Object.hasOwn(VALUES, property!) && VALUES[property!];
  const candidates = all ? all.filter((candidate) => candidate.startsWith(typed)) : [];
  return candidates.length > 0 ? [candidates, typed] : undefined;
}
