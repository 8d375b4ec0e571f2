import { headName } from "../patching/head-place.js";
import type { Findings } from "../study/findings.js";
import type { PublishedCircuit, PublishedHead } from "../study/published.js";
import { bypasses, ENOUGH, type Headline, hasSmallestP, type RuledCircuit, shownChance } from "../study/ruled.js";
import type { StudyRun } from "../study/run.js";
import { fixed2 } from "./decimals.js";
import { columns } from "./options.js";
import { type Outputs, printResult } from "./outputs.js";

/** Circuits by each rule on other samples, and the smallest that keep enough. */
export function ruleTable({ rules, headlines }: Pick<Findings, "rules" | "headlines">): string {
  if (rules.length === 0) return "No circuits by several rules yet; `notice rules` finds them.\n";
  const rows = rules.map((one) => [
    ...[one.dataset, one.modality, one.rule, `${one.size} of ${one.of}`, fixed2(one.kept)],
    ...[`${fixed2(one.kept_low)}-${fixed2(one.kept_high)}`, fixed2(one.removed), fixed2(one.random)],
    ...[shownChance(one), fixed2(one.cpr), fixed2(one.cmd)],
  ]);
  const smallest = headlines.map((one) => `${one.dataset}, ${one.modality}: ${headline(one)}\n`);
  const header = ["data set", "modality", "rule", "heads", "kept", "95%", "removed", "random", "p", "CPR", "CMD"];
  return `circuits by rule, on samples that they were not found on\n${columns(rows, header)}\n${smallest.join("")}`;
}

function headline(one: Headline): string {
  const { of, without, smallest, most } = one;
  if (bypasses(one)) return `without any of the ${of} heads ${fixed2(without)} is left`;
  if (smallest) return carrying(smallest);
  const none = `no rule finds fewer than half of the ${of} heads that keep 0.85`;
  return most ? `${none}; the best: ${carrying(most)}` : none;
}

function carrying(circuit: RuledCircuit): string {
  const { size, of, kept, rule, heads, random, random_sets } = circuit;
  const limit = hasSmallestP(circuit) ? `, the smallest that ${random_sets} random sets can give` : "";
  const control =
    circuit.p_value === null
      ? ""
      : `; random heads of the same layers keep ${fixed2(random)}, p = ${shownChance(circuit)}${limit}`;
  // What is just below 0.85 is not said to be that.
  const share =
    kept < ENOUGH && fixed2(kept) === fixed2(ENOUGH) ? `${Math.floor(10_000 * kept) / 10_000}` : fixed2(kept);
  return `${size} of ${of} heads keep ${share} (${rule}${control}): ${heads.join(", ") || "none"}`;
}

/** The circuits by one rule; as the authors published, beside what this package finds. */
export async function showRule(run: StudyRun, { rules }: Findings, name: string, flags: Outputs): Promise<void> {
  const { checkRule } = await import("../patching/rules/rules.js");
  const rule = checkRule(name);
  const own = rules.filter((one) => one.rule === rule);
  if (rule !== "as-published")
    return printResult({ run: run.folder, rule, rules: own }, () => ruleTable({ rules: own, headlines: [] }), flags);
  const { readPublished } = await import("../study/published.js");
  const published = await readPublished(run);
  await printResult({ run: run.folder, rule, published, rules: own }, () => publishedTable(published), flags);
}

/** As published and corrected, side by side. */
export function publishedTable(circuits: readonly PublishedCircuit[]): string {
  const names = (heads: readonly PublishedHead[]) =>
    heads
      .map((head) => `${headName(head)}${head.functions.length > 0 ? ` (${head.functions.join(", ")})` : ""}`)
      .join(", ") || "none";
  const rows = circuits.map(({ dataset, modality, samples, leftOut, published, corrected, changed }) => [
    ...[dataset, modality, `${samples}`, `${leftOut}`, `${changed}`, names(published), names(corrected)],
  ]);
  const header = ["data set", "modality", "n", "left out", "changed", "as published", "corrected"];
  const survive = circuits.flatMap(({ dataset, modality, universal }) =>
    universal.map(
      ({ name, published, corrected }) =>
        `${dataset}, ${modality}: ${name} is ${published ? "" : "not "}in the circuit as published, ${corrected ? "" : "not "}in the corrected one\n`,
    ),
  );
  return `${columns(rows, header)}${survive.join("")}`;
}
