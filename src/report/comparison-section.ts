import { comparisonTables } from "../study/comparison-tables.js";
import { comparisonFinding } from "./comparison-finding.js";
import { html, table } from "./html.js";
import type { ReportData } from "./report-data.js";
import type { Section } from "./report-sections.js";

/** None where no other run was given. */
export function comparison({ comparison }: ReportData): Section[] {
  if (!comparison) return [];
  const tables = comparisonTables(comparison).map((one) => html`<div class="text">${table(one)}</div>\n`);
  const found = comparisonFinding(comparison).map((sentence) => html`<p class="finding">${sentence}</p>\n`);
  return [{ id: "comparison", title: "Beside other runs", content: html`${found}${tables}` }];
}
