import type { Findings } from "../study/findings.js";
import { bypasses, type Headline } from "../study/ruled.js";
import { columns } from "./options.js";

const fixed = (value: number | null) => (value === null ? "-" : (Math.round(100 * value) / 100 + 0).toFixed(2));

/** Circuits by each rule on other samples, and the smallest that keep enough. */
export function ruleTable({ rules, headlines }: Pick<Findings, "rules" | "headlines">): string {
  if (rules.length === 0) return "No circuits by several rules yet; `notice rules` finds them.\n";
  const rows = rules.map((one) => [
    ...[one.dataset, one.modality, one.rule, `${one.size} of ${one.of}`, fixed(one.kept)],
    ...[`${fixed(one.kept_low)}-${fixed(one.kept_high)}`, fixed(one.removed), fixed(one.random)],
    ...[one.p_value === null ? "-" : one.p_value.toFixed(3), fixed(one.cpr), fixed(one.cmd)],
  ]);
  const smallest = headlines.map((one) => `${one.dataset}, ${one.modality}: ${headline(one)}\n`);
  const header = ["data set", "modality", "rule", "heads", "kept", "95%", "removed", "random", "p", "CPR", "CMD"];
  return `circuits by rule, on samples that they were not found on\n${columns(rows, header)}\n${smallest.join("")}`;
}

function headline(one: Headline): string {
  const { of, without, smallest } = one;
  if (bypasses(one)) return `without any of the ${of} heads ${fixed(without)} is left`;
  if (!smallest) return `no rule finds fewer than half of the ${of} heads that keep 0.85`;
  const { size, kept, rule, heads } = smallest;
  return `${size} of ${of} heads keep ${fixed(kept)} (${rule}): ${heads.join(", ")}`;
}
