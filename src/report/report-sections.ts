import { percent } from "../page/number.js";
import type { Site } from "../patching/sites.js";
import type { Modality } from "../study/settings.js";
import type { FigureBook } from "./figure-book.js";
import { type Html, html, table } from "./html.js";
import type { DatasetFacts, ReportData, SiteCircuit, SiteUniversality } from "./report-data.js";
import {
  circuitFigure,
  circuitHeads,
  circuitMeans,
  type Figure,
  headName,
  listHeads,
  MODALITY_NAMES,
  sharedExtent,
  shareFigure,
  tokenFigure,
} from "./report-figures.js";
import { headlineItems } from "./rules-section.js";

/** A part of the report, as the page's own list of contents names it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

export function summary(data: ReportData): Section {
  const asked = sum(data.datasets, ({ groups }) => sum(groups, ({ asked }) => asked));
  const correct = sum(data.datasets, ({ groups }) => sum(groups, ({ correct }) => correct));
  const shared = data.universality.map((one) => html`<li>${one.site}: ${sharedBySite(one)}.</li>\n`);
  const sites = [...new Set(data.circuits.map(({ site }) => site))];
  const rows = combinations(data).map(({ dataset, modality }) => {
    const here = data.circuits.filter((one) => one.dataset === dataset && one.modality === modality);
    const facts = data.datasets.find(({ name }) => name === dataset);
    const counted = [
      ...new Set(
        here.map(({ circuit, unplaced }) => `${circuit.samples} of ${circuit.samples + circuit.degenerate + unplaced}`),
      ),
    ];
    const found = sites.map((site) => {
      const circuit = here.find((one) => one.site === site);
      return circuit ? listHeads(circuitHeads(circuit)) : "not patched";
    });
    return [dataset, MODALITY_NAMES[modality], facts ? accuracy(facts) : "–", counted.join("; ") || "–", ...found];
  });
  const content = html`<ul>
${headlineItems(data)}<li>Of ${asked} questions the model answers ${correct} correctly (${percent(correct, asked)}).</li>
${shared}</ul>
<div class="text">${table({
    caption:
      "Heads in each circuit, the strongest first, with their mean score. Samples: those with a score, of those patched.",
    columns: ["data set", "corruption", "accuracy", "samples", ...sites],
    rows,
  })}</div>`;
  return { id: "summary", title: "Summary", content };
}

function sharedBySite({ universality: { names, heads } }: SiteUniversality): string {
  const most = heads[0]?.circuits.length;
  if (most === undefined) return "no circuit has a head";
  const found = heads.filter(({ circuits }) => circuits.length === most).map(headName);
  return most === names.length
    ? `in all ${most} circuits: ${found.join(", ")}`
    : `no head is in all ${names.length} circuits; in ${most}: ${found.join(", ")}`;
}

export function whatWasRun({ run }: ReportData): Section {
  const facts = [
    ["package", `vlm-notice ${run.version}`],
    ["model", run.model],
    ["hash of the weights", run.modelHash],
    ["backend", run.backend],
    ["seed", `${run.seed}`],
    ...Object.entries(run.settings).map(([name, value]) => [name, `${value}`]),
  ];
  const content = html`<div class="text">${table({ caption: "What was run, and how.", columns: ["what", "value"], rows: facts })}</div>`;
  return { id: "run", title: "What was run", content };
}

export function samples({ datasets }: ReportData): Section {
  const counts = datasets.map((facts) => [
    facts.name,
    `${facts.candidates}`,
    ...(["asked", "correct"] as const).map((what) => `${sum(facts.groups, (group) => group[what])}`),
    accuracy(facts),
    `${sum(facts.groups, ({ selected }) => selected)}`,
    `${sum(facts.groups, ({ patched }) => patched)}`,
    `${sum(facts.exclusions, ({ count }) => count)}`,
  ]);
  const each = datasets.map(
    (facts) => html`<h3>${facts.name}</h3>
<div class="beside">${groupTable(facts)}${exclusionTable(facts)}</div>
`,
  );
  const content = html`${table({
    caption: "From candidates to selected samples. Left out: of candidates and samples, at every stage.",
    columns: ["data set", "candidates", "asked", "correct", "accuracy", "selected", "patched", "left out"],
    rows: counts,
  })}${each}`;
  return { id: "samples", title: "Samples", content };
}

function groupTable({ name, groups }: DatasetFacts): Html {
  return table({
    caption: `${name}: groups that selection balances.`,
    columns: ["group", "asked", "correct", "accuracy", "selected", "patched"],
    rows: groups.map(({ name, asked, correct, selected, patched }) => [
      name,
      `${asked}`,
      `${correct}`,
      percent(correct, asked),
      `${selected}`,
      `${patched}`,
    ]),
  });
}

function exclusionTable({ name, exclusions }: DatasetFacts): Html {
  if (exclusions.length === 0) return html`<p>Nothing was left out.</p>`;
  return html`<div class="text">${table({
    caption: `${name}: what was left out, and why.`,
    columns: ["reason", "stage", "count", "for example"],
    rows: exclusions.map(({ stage, reason, count, example }) => [reason, stage, `${count}`, example]),
  })}</div>`;
}

export async function circuits(data: ReportData, book: FigureBook): Promise<Section> {
  const parts: Html[] = [];
  for (const dataset of names(data.circuits)) {
    parts.push(html`<h3>${dataset}</h3>\n`);
    for (const site of new Set(data.circuits.map((one) => one.site))) {
      const here = data.circuits.filter((one) => one.dataset === dataset && one.site === site);
      const extent = sharedExtent(here.map(circuitMeans));
      const figure = (one: SiteCircuit) => circuitFigure(one, extent);
      parts.push(await panels(book, { data, dataset, site, here, figure }));
    }
  }
  const content = html`<p>Mean score of patching one head at one token (position: ${data.position}; of the decoder its only token, of the image all together), by layer and head. A head is in the circuit (frame and dot) where its
mean |score| is at least two standard deviations above the mean over all heads; signs cancel in the colours, not in that rule. The
corruptions of a data set share one scale for each site.</p>
${parts}`;
  return { id: "circuits", title: "Circuits", content };
}

export async function tokens(data: ReportData, book: FigureBook): Promise<Section> {
  const parts: Html[] = [];
  for (const dataset of names(data.tokenMaps)) {
    parts.push(html`<h3>${dataset}</h3>\n`);
    for (const site of new Set(data.tokenMaps.map((one) => one.site))) {
      const here = data.tokenMaps.filter((one) => one.dataset === dataset && one.site === site);
      const extent = sharedExtent(here.map(({ means }) => means));
      parts.push(await panels(book, { data, dataset, site, here, figure: (one) => tokenFigure(one, extent) }));
    }
  }
  const content = html`<p>Mean score of patching the whole row of one token, by layer and the token’s part in the question.</p>
${parts}`;
  return { id: "tokens", title: "Layers and tokens", content };
}

export async function shares({ circuits }: ReportData, book: FigureBook): Promise<Section> {
  const parts: Html[] = [];
  for (const site of new Set(circuits.map((one) => one.site))) {
    const figure = shareFigure(circuits.filter((one) => one.site === site));
    if (figure) parts.push(await book.figure(figure, `share ${site}`));
  }
  return { id: "shares", title: "Share of each layer", content: html`<div class="panels wide">${parts}</div>` };
}

/** What one panel shows: a part of the data that belongs to one corruption. */
interface PanelData {
  readonly modality: Modality;
}

/** One row of figures: the corruptions of a data set at a site, side by side; a word where there is none. */
async function panels<Item extends PanelData>(
  book: FigureBook,
  row: {
    readonly data: ReportData;
    readonly dataset: string;
    readonly site: Site;
    readonly here: readonly Item[];
    readonly figure: (item: Item) => Figure | undefined;
  },
): Promise<Html> {
  const cells: Html[] = [];
  for (const modality of modalities(row.data)) {
    const item = row.here.find((one) => one.modality === modality);
    const figure = item && row.figure(item);
    const why = item ? "no sample has a score, so there is no map" : "not patched";
    cells.push(
      figure
        ? await book.figure(figure, `${row.dataset} ${modality} ${row.site}`)
        : html`<p class="missing">${MODALITY_NAMES[modality]}, ${row.site}: ${why}.</p>\n`,
    );
  }
  return html`<h4>${row.site}</h4>
<div class="panels">
${cells}</div>
`;
}

/** The corruptions that anything was patched under, in the order in which they are shown. */
function modalities({ circuits, tokenMaps }: ReportData): Modality[] {
  const used = new Set([...circuits, ...tokenMaps].map(({ modality }) => modality));
  return (Object.keys(MODALITY_NAMES) as Modality[]).filter((modality) => used.has(modality));
}

function combinations(data: ReportData): { dataset: string; modality: Modality }[] {
  return names(data.circuits).flatMap((dataset) => modalities(data).map((modality) => ({ dataset, modality })));
}

function names(parts: readonly { readonly dataset: string }[]): string[] {
  return [...new Set(parts.map(({ dataset }) => dataset))];
}

function accuracy({ groups }: DatasetFacts): string {
  return percent(
    sum(groups, ({ correct }) => correct),
    sum(groups, ({ asked }) => asked),
  );
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
