import { rounded } from "../page/number.js";
import { RULES } from "../patching/rules/rules.js";
import type { RuledCircuit } from "../study/ruled.js";
import { type Html, html, table } from "./html.js";
import type { ReportData } from "./report-data.js";
import { MODALITY_NAMES } from "./report-figures.js";

/** Circuits by every rule side by side; nothing where the stage was not done. */
export function rules({ rules: circuits = [] }: ReportData): Html {
  if (circuits.length === 0) return html``;
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
  return html`<p>Each rule finds its circuit on half of the pairs; the others say what it does. Kept: all other heads are corrupted. Removed: only the
circuit is. Random: sets with as many heads of each layer, and how often one keeps as much (p). CPR and CMD are MIB’s, of the rule’s order of
all heads.</p>
${parts}
<details><summary>What the rules are</summary><dl>${Object.entries(RULES).map(([name, { about }]) => html`<dt>${name}</dt><dd>${about}</dd>\n`)}</dl></details>
`;
}

function ruleCells(one: RuledCircuit): string[] {
  const figures = [one.removed, one.random, one.p_value, one.cpr, one.cmd].map(rounded);
  const interval = `${rounded(one.kept_low)} to ${rounded(one.kept_high)}`;
  return [one.rule, `${one.size}`, rounded(one.kept), interval, ...figures, one.heads.join(", ") || "none"];
}
