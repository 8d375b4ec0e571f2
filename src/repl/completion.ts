import { ATTRIBUTE_KEYS } from "../patching/attribute.js";
import { PAIRED } from "../patching/inputs.js";
import { METRICS } from "../patching/metrics.js";
import { OPTION_KEYS } from "../patching/patch.js";
import { PLACE_KEYS } from "../patching/selection.js";
import { SITES } from "../patching/sites.js";
import { SWEEP_KEYS } from "../patching/sweep.js";
import { TABLE_KEYS } from "../patching/table.js";
import { BACKENDS } from "../platform/backend.js";
import { SCORE_MAP_KEYS } from "../report/score-map.js";

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

/** What may stand in the objects that a function is given. */
const OPTIONS: Record<string, readonly string[]> = {
  sweep: [...TABLE_KEYS, ...SWEEP_KEYS],
  sweepTogether: [...TABLE_KEYS, ...SWEEP_KEYS],
  attribute: [...TABLE_KEYS, ...ATTRIBUTE_KEYS],
  patch: [...PLACE_KEYS, ...OPTION_KEYS],
  patchHead: [...PLACE_KEYS, ...OPTION_KEYS],
  pair: PAIRED.keys,
  run: ["image", "question", "edits"],
  ask: ["image", "question", "edits", "top"],
  show: SCORE_MAP_KEYS,
  at: ["layer"],
};

/** As `completeString`, of the name of an option that is being typed: `sweep(pair, { si`. */
export function completeOption(line: string): [string[], string] | undefined {
  const [, name, given = "", typed] = /(\w+)\((?:[^(){}]|\{[^{}]*\})*\{\s*((?:[^{}]*,)?)\s*(\w*)$/.exec(line) ?? [];
  if (typed === undefined || !Object.hasOwn(OPTIONS, name!)) return undefined;
  const written = Array.from(given.matchAll(/(\w+)\s*:/g), ([, key]) => key);
  const left = OPTIONS[name!]!.filter((key) => key.startsWith(typed) && !written.includes(key));
  return left.length > 0 ? [left.map((key) => `${key}: `), typed] : undefined;
}
