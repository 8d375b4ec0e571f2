import { rounded } from "../page/number.js";
import { RULES } from "../patching/rules/rules.js";
import { bypasses, type Headline, type RuledCircuit } from "../study/ruled.js";
import { type Html, html, table } from "./html.js";
import type { ReportData } from "./report-data.js";
import { MODALITY_NAMES } from "./report-figures.js";
import type { Section } from "./report-sections.js";

/** What a reader should know first: for each data set and corruption the fewest heads that keep the answer. */
export function headlineItems({ headlines = [] }: ReportData): Html[] {
  return headlines.map((one) => html`<li>${headline(one)}</li>\n`);
}

function headline(found: Headline): string {
  const { dataset, modality, of, without, smallest, most } = found;
  const where = `${dataset}, ${MODALITY_NAMES[modality]}`;
  if (smallest) return `${where}: ${smallest.size} of ${of} heads (${smallest.rule}) ${keeping(smallest)}.`;
  if (bypasses(found))
    return `${where}: without any of the ${of} heads ${rounded(without)} of the answer is left: it does not pass through them.`;
  const beginning = `${where}: no rule finds fewer than half of the ${of} heads that keep 0.85 of the answer`;
  return most
    ? `${beginning}; the most is kept by ${most.size} (${most.rule}), which ${keeping(most)}.`
    : `${beginning}.`;
}

function keeping({ kept, kept_low, kept_high, random, p_value, heads }: RuledCircuit): string {
  const chance =
    p_value === null ? "" : `; as many random heads of the same layers ${rounded(random)}, p = ${rounded(p_value)}`;
  return `keep ${rounded(kept)} of the answer on other pairs (95%: ${rounded(kept_low)} to ${rounded(kept_high)})${chance}: ${heads.join(", ")}`;
}

/** Circuits by every rule side by side; no section where the stage was not done. */
export function rules({ rules: circuits = [] }: ReportData): Section[] {
  if (circuits.length === 0) return [];
  const groups = new Map(circuits.map((one) => [`${one.dataset}, ${MODALITY_NAMES[one.modality]}`, one]));
  const parts = [...groups].map(([name, { dataset, modality, of, found_on, tested_on, no_head }]) => {
    const own = circuits.filter((one) => one.dataset === dataset && one.modality === modality);
    return html`<h3>${name}</h3>
<div class="text">${table({
      caption: `${name}: found on ${found_on} pairs, tested on ${tested_on} others, of ${of} heads. Without any head ${rounded(no_head)} is kept.`,
      columns: ["rule", "heads", "kept", "95%", "removed", "random, same layers", "p", "CPR", "CMD", "which"],
      rows: own.map(ruleCells),
    })}</div>
`;
  });
  const content = html`<p>Each rule finds its circuit on half of the pairs; the others say what it does. Kept: all other heads are corrupted. Removed: only the
circuit is. Random: sets with as many heads of each layer, and how often one keeps as much (p). CPR and CMD are MIB’s, of the rule’s order of
all heads.</p>
<dl>${Object.entries(RULES).map(([name, { about }]) => html`<dt>${name}</dt><dd>${about}</dd>\n`)}</dl>
${parts}`;
  return [{ id: "rules", title: "Circuits by several rules", content }];
}

function ruleCells(one: RuledCircuit): string[] {
  const figures = [one.removed, one.random, one.p_value, one.cpr, one.cmd].map(rounded);
  const interval = `${rounded(one.kept_low)} to ${rounded(one.kept_high)}`;
  return [one.rule, `${one.size}`, rounded(one.kept), interval, ...figures, one.heads.join(", ") || "none"];
}
