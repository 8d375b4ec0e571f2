import { type HeadCard, headCards } from "./cards.js";
import type { FigureBook } from "./figure-book.js";
import { basis, finding } from "./finding.js";
import { overlaidHeads } from "./head-sections.js";
import { type Html, html } from "./html.js";
import type { ReportData, SiteCircuit } from "./report-data.js";

/** What was found: in sentences, in a map of each data set, in the heads that circuits share. */
export function firstScreen(data: ReportData, book: FigureBook, maps: ReadonlyMap<SiteCircuit, Html>): Html {
  const shown = firstMaps(data).map((one) => maps.get(one));
  const cards = headCards(data);
  const [first] = data.shared;
  const isUniversal = first && first.circuits.length === first.of && first.of > 1;
  return html`<section id="finding" aria-labelledby="title">
<h1 id="title">${data.title}</h1>
${finding(data).map((sentence) => html`<p class="finding">${sentence}</p>\n`)}<p class="faint">${basis(data)}</p>
<div class="panels">
${shown.map((map) => map ?? "")}</div>
${cards.length > 0 ? html`<h2>${isUniversal ? "Universal heads" : "The heads in most circuits"}</h2>` : ""}
<div class="panels">${cards.map((one) => card(one, book))}</div>
</section>
`;
}

function card({ title, role, facts, pictures }: HeadCard, book: FigureBook): Html {
  const shown = pictures.map(
    ({ what, sample }) => html`<p><strong>${what}</strong>: ${sample.dataset}, ${sample.question}</p>
<div class="pictures">${overlaidHeads(sample, book, what)}</div>`,
  );
  return html`<article class="card" aria-label="${title}"><h3>${title}</h3><p>${role}</p>
<dl>${facts.map(([what, value]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>
${shown}</article>
`;
}

/** One circuit of each data set: of the site that looks at the picture where that was patched, under the first corruption. */
function firstMaps({ circuits, looking }: ReportData): SiteCircuit[] {
  const having = circuits.filter(({ circuit }) => circuit.heads.length > 0);
  const site = having.some((one) => one.site === looking) ? looking : having[0]?.site;
  const own = having.filter((one) => one.site === site);
  return [...new Set(own.map(({ dataset }) => dataset))].map((name) => own.find(({ dataset }) => dataset === name)!);
}
