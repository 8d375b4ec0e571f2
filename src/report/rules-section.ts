import { rounded } from "../page/number.js";
import { RULES } from "../patching/rules/rules.js";
import { bypasses, circuitOf, type Headline, type RuledCircuit, shownChance } from "../study/ruled.js";
import { type Html, html, table } from "./html.js";
import type { ReportData } from "./report-data.js";
import { MODALITY_NAMES } from "./report-figures.js";

/** Circuits on pairs that they were not found on: of each group the smallest that keeps enough, then all rules'. */
export function rules({ rules: circuits = [], headlines = [] }: ReportData): Html {
  if (circuits.length === 0) return html``;
  const parts = headlines.map(({ dataset, modality }) => {
    const own = circuits.filter((one) => one.dataset === dataset && one.modality === modality);
    const { found_on, tested_on, of, no_head } = own[0]!;
    const name = `${dataset}, ${MODALITY_NAMES[modality]}`;
    return html`<details><summary>${name}: circuits by each rule</summary><div class="text">${table({
      caption: `${name}: found on ${found_on} pairs, tested on ${tested_on} others, of ${of} heads. Without any head ${rounded(no_head)} is kept.`,
      columns: ["rule", ...COLUMNS],
      rows: own.map((one) => [one.rule, ...ruleCells(one)]),
    })}</div></details>
`;
  });
  return html`<p>Each rule finds its circuit on half of the pairs; the others say what it does. Kept: all other heads are corrupted. Removed: only the
circuit is. Random: sets with as many heads of each layer, and how often one keeps as much (p; 1/21
is the smallest that 20 sets can give). CPR and CMD are MIB’s, of the rule’s order of
all heads.</p>
<div class="text">${table({
    caption:
      "The smallest circuit that keeps 0.85 to 1.15 of the answer, else the one under half of the heads that keeps most.",
    columns: ["circuit of", "rule", "no head", ...COLUMNS],
    rows: headlines.map(headlineCells),
  })}</div>
${parts}
<details><summary>What the rules are</summary><dl>${Object.entries(RULES).map(([name, { about }]) => html`<dt>${name}</dt><dd>${about}</dd>\n`)}</dl></details>
`;
}

const COLUMNS = ["heads", "kept", "95%", "removed", "random, same layers", "p", "CPR", "CMD", "which"] as const;

function headlineCells(headline: Headline): string[] {
  const { dataset, modality, without } = headline;
  const circuit = circuitOf(headline);
  const none = bypasses(headline) ? "none is needed" : "none under half";
  const cells = circuit ? ruleCells(circuit) : COLUMNS.map(() => none);
  return [`${dataset}, ${MODALITY_NAMES[modality]}`, circuit?.rule ?? none, rounded(without), ...cells];
}

function ruleCells(one: RuledCircuit): string[] {
  const figures = [
    rounded(one.removed),
    rounded(one.random, "no head"),
    one.p_value === null ? "no head" : shownChance(one),
    ...[one.cpr, one.cmd].map((value) => rounded(value, "no head matters")),
  ];
  return [
    `${one.size}`,
    rounded(one.kept),
    `${rounded(one.kept_low)} to ${rounded(one.kept_high)}`,
    ...figures,
    bySite(one),
  ];
}

/** "text.cross.z: L0H0, L2H4; text.self.z: L1H5". */
function bySite({ heads }: RuledCircuit): string {
  const sites = new Map<string, string[]>();
  for (const name of heads) {
    const [site, head] = name.split(":") as [string, string];
    sites.set(site, [...(sites.get(site) ?? []), head]);
  }
  return [...sites].map(([site, own]) => `${site}: ${own.join(", ")}`).join("; ") || "none";
}
