import { sum } from "../base/mean.js";
import { namesOf } from "../base/options.js";
import { percent } from "../page/number.js";
import { circuitHeads } from "../patching/circuits.js";
import type { Site } from "../patching/sites.js";
import type { Modality } from "../study/settings.js";
import type { FigureBook } from "./figure-book.js";
import { membership } from "./head-sections.js";
import { type Html, html, table } from "./html.js";
import type { DatasetFacts, ReportData, SiteCircuit, TokenMap } from "./report-data.js";
import {
  circuitFigure,
  circuitMeans,
  listHeads,
  MODALITY_NAMES,
  sharedExtent,
  shareFigure,
  tokenFigure,
} from "./report-figures.js";

/** A part of the report, as the page's own list of contents names it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

/** Which heads are in which circuit, and what circuits have in common. */
export function members(data: ReportData): Section {
  const sites = [...new Set(data.circuits.map(({ site }) => site))];
  const rows = combinations(data).map(({ dataset, modality }) => {
    const here = data.circuits.filter((one) => one.dataset === dataset && one.modality === modality);
    const facts = data.datasets.find(({ name }) => name === dataset);
    const counted = here.map(
      ({ circuit, unplaced }) => `${circuit.samples} of ${circuit.samples + circuit.degenerate + unplaced}`,
    );
    const found = sites.map((site) => {
      const circuit = here.find((one) => one.site === site);
      return circuit ? listHeads(circuitHeads(circuit.circuit)) : "not patched";
    });
    const samples = [...new Set(counted)].join("; ") || "not patched";
    return [dataset, MODALITY_NAMES[modality], facts ? accuracy(facts) : "not counted", samples, ...found];
  });
  const content = html`<p>By the paper’s rule a head is in a circuit where its mean |score| is at least two standard deviations above the mean over all
heads. A head is universal where it is in the circuits of all data sets and corruptions.</p>
<div class="text">${table({
    caption:
      "Heads in each circuit, the strongest first, with their mean score. Samples: those with a score, of those patched.",
    columns: ["data set", "corruption", "accuracy", "samples", ...sites],
    rows,
  })}</div>
${data.universality.map(membership)}`;
  return { id: "universal", title: "Which heads are in which circuit", content };
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
  return { id: "run", title: "Settings", content };
}

export function samples({ datasets }: ReportData): Section {
  const counts = datasets.map((facts) => [
    facts.name,
    `${facts.candidates}`,
    ...(["asked", "correct"] as const).map((what) => `${sum(facts.groups.map((group) => group[what]))}`),
    accuracy(facts),
    `${sum(facts.groups.map(({ selected }) => selected))}`,
    `${sum(facts.groups.map(({ patched }) => patched))}`,
    `${sum(facts.exclusions.map(({ count }) => count))}`,
  ]);
  const each = datasets.map(
    (facts) => html`<h3>${facts.name}</h3>
${groupTable(facts)}`,
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

/** What does not count, and why; what a reader should know besides. */
export function leftOut({ datasets, notes }: ReportData): Section {
  const list = notes.length === 0 ? "" : html`<ul>${notes.map((note) => html`<li>${note}</li>\n`)}</ul>`;
  return { id: "left-out", title: "What was left out, and why", content: html`${datasets.map(exclusionTable)}${list}` };
}

function exclusionTable({ name, exclusions }: DatasetFacts): Html {
  if (exclusions.length === 0) return html`<p>${name}: nothing was left out.</p>\n`;
  return html`<div class="text">${table({
    caption: `${name}: what was left out, and why.`,
    columns: ["reason", "stage", "count", "for example"],
    rows: exclusions.map(({ stage, reason, count, example }) => [reason, stage, `${count}`, example]),
  })}</div>`;
}

/** The map of every circuit that has one. */
export async function circuitMaps(data: ReportData, book: FigureBook): Promise<Map<SiteCircuit, Html>> {
  const maps = new Map<SiteCircuit, Html>();
  for (const one of data.circuits) {
    const compared = data.circuits.filter(({ dataset, site }) => dataset === one.dataset && site === one.site);
    const figure = circuitFigure(one, sharedExtent(compared.map(circuitMeans)));
    if (figure) maps.set(one, await book.map(figure, `${one.dataset} ${one.modality} ${one.site}`));
  }
  return maps;
}

export function circuits(data: ReportData, maps: ReadonlyMap<SiteCircuit, Html>): Section {
  const parts: Html[] = [];
  for (const dataset of names(data.circuits)) {
    parts.push(html`<h3>${dataset}</h3>\n`);
    for (const site of new Set(data.circuits.map((one) => one.site))) {
      const here = data.circuits.filter((one) => one.dataset === dataset && one.site === site);
      parts.push(panels({ data, site, here, drawn: (one) => maps.get(one) }));
    }
  }
  const content = html`<p>Mean score of patching one head at one token (position: ${data.position}; of the decoder its only token, of the image all together), by layer and head. A head is in the circuit (frame and dot) where its
mean |score| is at least two standard deviations above the mean over all heads; signs cancel in the colours, not in that rule. The
corruptions of a data set share one scale for each site.</p>
${parts}`;
  return { id: "circuits", title: "All head maps", content };
}

export async function tokens(data: ReportData, book: FigureBook): Promise<Section> {
  const parts: Html[] = [];
  for (const dataset of names(data.tokenMaps)) {
    parts.push(html`<h3>${dataset}</h3>\n`);
    for (const site of new Set(data.tokenMaps.map((one) => one.site))) {
      const here = data.tokenMaps.filter((one) => one.dataset === dataset && one.site === site);
      const extent = sharedExtent(here.map(({ means }) => means));
      const maps = new Map<TokenMap, Html>();
      for (const one of here) {
        const figure = tokenFigure(one, extent);
        if (figure) maps.set(one, await book.map(figure, `${dataset} ${one.modality} ${site}`));
      }
      parts.push(panels({ data, site, here, drawn: (one) => maps.get(one) }));
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
    if (figure) parts.push(await book.map(figure, `share ${site}`));
  }
  return { id: "shares", title: "Share of each layer", content: html`<div class="panels wide">${parts}</div>` };
}

/** One row of figures: the corruptions of a data set at a site, side by side; a word where there is none. */
function panels<Item extends { readonly modality: Modality }>(row: {
  readonly data: ReportData;
  readonly site: Site;
  readonly here: readonly Item[];
  readonly drawn: (item: Item) => Html | undefined;
}): Html {
  const cells = modalities(row.data).map((modality) => {
    const item = row.here.find((one) => one.modality === modality);
    const why = item ? "no sample has a score, so there is no map" : "not patched";
    return (
      (item && row.drawn(item)) ?? html`<p class="missing">${MODALITY_NAMES[modality]}, ${row.site}: ${why}.</p>\n`
    );
  });
  return html`<h4>${row.site}</h4>
<div class="panels">
${cells}</div>
`;
}

/** The corruptions that anything was patched under, in the order in which they are shown. */
function modalities({ circuits, tokenMaps }: ReportData): Modality[] {
  const used = new Set([...circuits, ...tokenMaps].map(({ modality }) => modality));
  return namesOf(MODALITY_NAMES).filter((modality) => used.has(modality));
}

function combinations(data: ReportData): { dataset: string; modality: Modality }[] {
  return names(data.circuits).flatMap((dataset) => modalities(data).map((modality) => ({ dataset, modality })));
}

function names(parts: readonly { readonly dataset: string }[]): string[] {
  return [...new Set(parts.map(({ dataset }) => dataset))];
}

function accuracy({ groups }: DatasetFacts): string {
  return percent(sum(groups.map(({ correct }) => correct)), sum(groups.map(({ asked }) => asked)));
}
