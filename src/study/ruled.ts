import { createHash } from "node:crypto";
import { twoFigures } from "../base/two-figures.js";
import { RULES, type RuleName } from "../patching/rules/rules.js";
import { type RuleRow, ruleRows } from "./queries/rules.js";
import { countRows } from "./queries/shards.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";

/** So much of the answer is as good as all of it; what is as much above 1 is as far from what the model does. */
export const ENOUGH = 0.85;
const isEnough = (kept: number) => kept >= ENOUGH && kept <= 2 - ENOUGH;

/** A circuit by a rule, and what it keeps of the answer on samples that it was not found on: means over those. */
export interface RuledCircuit extends RuleRow {
  readonly rule: RuleName;
}

/** The smallest circuit of a data set in a modality that keeps enough. */
export interface Headline {
  readonly dataset: string;
  readonly modality: Modality;
  /** Heads there are. */
  readonly of: number;
  /** What is kept without any: where that is enough, the answer does not pass through these heads. */
  readonly without: number;
  /** Null where no rule's circuit keeps so much with fewer than half of the heads. */
  readonly smallest: RuledCircuit | null;
  /** The most that any rule's circuit of fewer than half of the heads keeps, where none keeps enough. */
  readonly most: RuledCircuit | null;
}

/** What names the settings that circuits by rules follow from. */
export async function readingOf({ settings, store }: StudyRun): Promise<string> {
  const { position, metric, leastDifference, rate, verify, randomSets, headlineSets } = settings;
  const sets = [randomSets, headlineSets];
  const content = [position, metric, leastDifference, rate, verify, ...sets, await countRows(store, "patched")];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
}

/** The circuits by rules of a run as it is read; none before the stage `rules`. */
export async function readRules(run: StudyRun): Promise<RuledCircuit[]> {
  const rows = await ruleRows(run.store, await readingOf(run));
  return rows.filter((row): row is RuledCircuit => Object.hasOwn(RULES, row.rule));
}

/** For each data set and modality the smallest circuit that keeps enough. */
export function headlines(circuits: readonly RuledCircuit[]): Headline[] {
  const groups = new Map(circuits.map((one) => [`${one.dataset} ${one.modality}`, one]));
  return [...groups.values()].map(({ dataset, modality, of, no_head }) => {
    const own = circuits.filter((one) => one.dataset === dataset && one.modality === modality && 2 * one.size < of);
    const enough = own.filter(({ kept }) => isEnough(kept)).sort((a, b) => a.size - b.size || b.kept - a.kept);
    const most = own.filter(({ kept }) => kept < ENOUGH).sort((a, b) => b.kept - a.kept);
    return {
      ...{ dataset, modality, of, without: no_head },
      smallest: isEnough(no_head) ? null : (enough[0] ?? null),
      most: enough.length > 0 ? null : (most[0] ?? null),
    };
  });
}

/** The circuit that a headline names, if any. */
export const circuitOf = (headline: Headline): RuledCircuit | null =>
  bypasses(headline) ? null : (headline.smallest ?? headline.most);

/** How often chance is as good, and against how many sets. */
type Control = Pick<RuledCircuit, "p_value" | "random_sets">;

/** Whether no random set kept as much: p is then the smallest that so many sets can give. */
export const hasSmallestP = ({ p_value, random_sets }: Control): boolean =>
  p_value !== null && Math.round(p_value * (random_sets + 1)) === 1;

/** p to two figures; "1/21" where it is the smallest that 20 random sets can give; "-" without a head. */
export function shownChance(control: Control): string {
  const { p_value: p, random_sets: sets } = control;
  if (p === null) return "-";
  if (hasSmallestP(control)) return `1/${sets + 1}`;
  return twoFigures(p);
}

/** One that says why there is no smallest circuit. */
export const bypasses = ({ without }: Headline): boolean => isEnough(without);
