import { number, rounded } from "../page/number.js";
import { headName } from "../patching/head-place.js";
import type { Site } from "../patching/sites.js";
import type { Verified } from "../study/verified.js";
import type { FigureBook } from "./figure-book.js";
import { type Html, html, table } from "./html.js";
import type { ReportData } from "./report-data.js";
import { MODALITY_NAMES } from "./report-figures.js";
import type { Section } from "./report-sections.js";
import { rules } from "./rules-section.js";
import { agreementFigure, curveFigure } from "./trust-figures.js";

/** Whether circuits hold on samples that they were not found on. */
export async function heldUp(data: ReportData, book: FigureBook): Promise<Section> {
  const { verified } = data;
  const figures: Html[] = [];
  for (const one of verified) figures.push(await book.chart(curveFigure(one), `kept ${one.dataset} ${one.modality}`));
  const rows = verified.map((one) => [
    `${one.dataset}, ${MODALITY_NAMES[one.modality]}`,
    one.sites.flatMap((site) => headsAt(one, site)).join("; ") || "none",
    `${one.found}, ${one.tested}`,
    ...[one.kept, one.removed, one.none, one.random].map((share) => rounded(share)),
    rounded(one.pValue, "no head"),
    `${one.needed} of ${one.of}`,
    ...[one.cpr, one.cmd].map((area) => rounded(area)),
  ]);
  const sites = [...new Set(verified.flatMap(({ sites }) => sites))].join(", ");
  const content =
    verified.length === 0
      ? html`<p>No circuit was tested.</p>`
      : html`<p>Half of the samples finds the circuits of ${sites}; the others say what those keep of the answer. Kept: all other heads of these sites are corrupted at all
tokens, in the clean run; 1 is the whole answer, 0 the corrupted one. Removed: only the circuit is corrupted. No head: all are; what is left then does not pass through these
heads. Random: sets of as many heads, and how often one keeps as much (p). CPR is the area under the curve, CMD that between it and 1.</p>
<div class="panels">
${figures}</div>
<div class="text">${table({
          caption: "Circuits on samples that they were not found on. All shares are means over the samples tested.",
          columns: [
            ...["circuit of", "heads", "found on, tested on", "kept", "removed", "no head", "random", "p"],
            ...["heads for 85%", "CPR", "CMD"],
          ],
          rows,
        })}</div>`;
  return {
    id: "verified",
    title: "Does it hold on other pairs?",
    content: html`${rules(data)}<h3>The circuits of the paper’s rule, and curves</h3>
${content}${singleHeads(data)}`,
  };
}

/** What each head of those circuits keeps by itself. */
function singleHeads({ alone = [] }: ReportData): Html {
  if (alone.length === 0) return html``;
  return html`<div class="text">${table({
    caption:
      "Single heads of these circuits: what one keeps where all others are corrupted, on the same pairs; no head: where it is, too. 95%: bootstrap.",
    columns: ["circuit of", "head", "found on, tested on", "keeps alone", "95%", "no head"],
    rows: alone.map((one) => [
      `${one.dataset}, ${MODALITY_NAMES[one.modality]}`,
      `${one.site}: ${headName(one)}`,
      `${one.found}, ${one.tested}`,
      rounded(one.kept),
      `${rounded(one.low)} to ${rounded(one.high)}`,
      rounded(one.none),
    ]),
  })}</div>`;
}

function headsAt({ heads }: Verified, site: Site): string[] {
  const names = heads.filter((head) => head.site === site).map(headName);
  return names.length === 0 ? [] : [`${site}: ${names.join(", ")}`];
}

export async function attribution({ attribution }: ReportData, book: FigureBook): Promise<Section> {
  const figures: Html[] = [];
  for (const one of attribution)
    figures.push(await book.chart(agreementFigure(one), `attribution ${one.dataset} ${one.modality}`));
  const rows = attribution.flatMap(({ dataset, modality, sites }) =>
    sites.map(({ site, places, pearson, pearsonOfMeans }) => [
      `${dataset}, ${MODALITY_NAMES[modality]}, ${site}`,
      `${places}`,
      number(pearson, "too few places"),
      number(pearsonOfMeans, "too few means"),
    ]),
  );
  const content =
    attribution.length === 0
      ? html`<p>Attribution was not asked for.</p>`
      : html`<p>What gradients expect of a patch, from one backward pass, beside what the patch does. Trust attribution, and screen with it, at sites
where the correlation is 0.9 or more and no worst miss is larger than the effects that you are looking for; elsewhere patch.</p>
<div class="panels">
${figures}</div>
${table({
  caption:
    "Pearson’s correlation over all places of all samples, and over the means of heads (of layers, where a site has no heads).",
  columns: ["", "places", "of places", "of means"],
  rows,
})}`;
  return { id: "attribution", title: "Attribution beside exact patching", content };
}
