import { h } from "preact";
import { CircuitCard } from "../page/circuit-card.js";
import { PictureOverlay } from "../page/picture-overlay.js";
import { REPORT_TERMS, TERMS } from "../page/terms.js";
import { type HeadCard, headCards } from "./cards.js";
import type { FigureBook } from "./figure-book.js";
import { basis, finding } from "./finding.js";
import { askedOf, headOverlays } from "./head-sections.js";
import { component, type Html, html } from "./html.js";
import type { ReportData, SiteCircuit } from "./report-data.js";

/** What was found: in sentences, in a map of each data set, in the heads that circuits share. */
export function firstScreen(data: ReportData, book: FigureBook, maps: ReadonlyMap<SiteCircuit, Html>): Html {
  const shown = firstMaps(data).map((one) => maps.get(one));
  const cards = headCards(data);
  const [first] = data.shared;
  const isUniversal = first && first.circuits.length === first.of && first.of > 1;
  return html`<section id="finding" aria-labelledby="title">
<h1 id="title">${data.title}</h1>
${finding(data).map((sentence) => html`<p class="finding">${unbroken(sentence)}</p>\n`)}<p class="faint">${unbroken(basis(data))}</p>
<details><summary>What the words mean</summary><dl>${Object.entries(WORDS).map(([word, means]) => html`<dt>${word}</dt><dd>${means}</dd>\n`)}</dl></details>
<div class="panels">
${shown.map((map) => map ?? "")}</div>
${cards.length > 0 ? html`<h2>${isUniversal ? "Universal heads" : "The heads in most circuits"}</h2>` : ""}
${cards.length > 0 ? html`<p class="faint">${FACTS}</p>` : ""}
<div class="cards">${cards.map((one) => card(one, book))}</div>
</section>
`;
}

const WORDS = { ...REPORT_TERMS, ...TERMS };

const FACTS =
  "Put back alone: the head’s value at one token goes into the corrupted run; the number says how far that moves the " +
  "answer towards the clean one, on all pairs. Keeps alone: all other heads are corrupted in the clean run, on pairs " +
  "that its circuit was not found on; no head: all heads are corrupted.";

/** No line ends within an interval or a p-value. */
const unbroken = (sentence: string) =>
  sentence.replace(/(?:% )?\[[^\]]*\]|p = /g, (part) => part.replaceAll(" ", "\u00A0"));

function card({ title, role, facts, pictures, unclear }: HeadCard, book: FigureBook): Html {
  const drawn = pictures.flatMap(({ what, sample, auroc }) => {
    const looks = auroc === null ? "" : ` AUROC of the object here: ${auroc.toFixed(2)}.`;
    return headOverlays(sample, book, what).map((props) =>
      h("div", null, h(PictureOverlay, props), h("p", null, askedOf(sample) + looks)),
    );
  });
  const shown = h("div", { class: "panels" }, ...drawn);
  const more = h("p", null, [
    h("a", { href: "#attention" }, "Where it looks over all samples"),
    "; ",
    h("a", { href: "#circuits" }, "its place in all maps"),
    ".",
  ]);
  return component(CircuitCard, {
    title,
    summary: role,
    facts,
    children: [unclear === undefined ? "" : h("p", null, unclear), shown, more],
  });
}

/** One circuit of each data set, under the first corruption: of the site that looks at the picture, if patched. */
function firstMaps({ circuits, looking }: ReportData): SiteCircuit[] {
  const having = circuits.filter(({ circuit }) => circuit.heads.length > 0);
  const site = having.some((one) => one.site === looking) ? looking : having[0]?.site;
  const own = having.filter((one) => one.site === site);
  return [...new Set(own.map(({ dataset }) => dataset))].map((name) => own.find(({ dataset }) => dataset === name)!);
}
