import { number } from "../page/number.js";
import { PictureOverlay, type PictureOverlayProps } from "../page/picture-overlay.js";
import { FUNCTION_BOUNDS, headFunctions } from "../patching/attention-functions.js";
import { headName } from "../patching/head-place.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import type { FigureBook } from "./figure-book.js";
import { component, foldedTable, type Html, html, table } from "./html.js";
import { drawOverlay, scaleTo } from "./overlay.js";
import type { HeadOnPicture, OverlaySample, ReportData, SiteUniversality } from "./report-data.js";
import type { Section } from "./report-sections.js";

/** Which circuits of a site each head is in, and how much they overlap. */
export function membership({ site, universality: { names, heads, overlap } }: SiteUniversality): Html {
  const members = table({
    caption: `${site}: the circuits that each head is in; those in most first.`,
    columns: ["head", "in", ...names],
    rows: heads.map((head) => [
      headName(head),
      `${head.circuits.length} of ${names.length}`,
      ...names.map((name) => (head.circuits.includes(name) ? "yes" : "no")),
    ]),
  });
  return html`<h3>${site}</h3>
${heads.length === 0 ? html`<p>No circuit has a head.</p>` : members}${table({
  caption: `${site}: overlap of the circuits: heads in both over heads in either.`,
  columns: ["circuit", ...names],
  rows: names.map((name, row) => [name, ...overlap[row]!.map((one) => (one === null ? "both empty" : number(one)))]),
})}`;
}

export function attention({ headFunctions: heads }: ReportData): Section {
  const rows = heads.map((one) => [
    `${headName(one)}, ${one.dataset}`,
    `${one.objectSamples}`,
    number(one.objectMass, "no mask"),
    number(one.objectUniform, "no mask"),
    aurocOf(one),
    `${one.outlierSamples}`,
    number(one.outlierMass, "no outlier"),
    number(one.outlierUniform, "no outlier"),
    headFunctions(one).join(", ") || "none of the three",
  ]);
  const content = html`<p>Attention of heads from the answer’s token (of a causal tower the last) to the image in the clean runs, as means over samples. Object: share of the attention on
patches ([CLS] left out) that falls on the object asked about, beside what uniform attention would put there, and the chance that a patch
in the object gets more than one outside (AUROC), beside where 95% of such means lie of noise: the head’s own maps of a few samples, moved to every place of the picture, over an
object as large. Outliers: patches whose norm in the last vision layer is two standard deviations above
the mean. A head segments where its mass is above uniform and AUROC at least ${FUNCTION_BOUNDS.segmentation}, inhibits objects where mass is
below and AUROC at most ${FUNCTION_BOUNDS.objectInhibition}, and in both cases outside what noise gives; it inhibits outliers where their mass is at most
${FUNCTION_BOUNDS.outlierInhibition} of uniform, and the interval of the difference below 0.</p>
${
  rows.length === 0
    ? html`<p>No head was looked at.</p>`
    : table({
        caption: "What heads attend to. Samples: those with a mask, and those with an outlier patch.",
        columns: [
          "head",
          "samples",
          "object",
          "uniform",
          "AUROC [95%]; noise",
          "samples",
          "outliers",
          "uniform",
          "reads as",
        ],
        rows,
      })
}`;
  return { id: "attention", title: "What heads attend to", content };
}

function aurocOf({ auroc, aurocWithin, noise }: HeadFunctionFacts): string {
  if (auroc === null) return "no mask";
  const range = ([low, high]: readonly [number, number]) => `[${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return `${number(auroc)}${aurocWithin ? ` ${range(aurocWithin)}` : ""}${noise ? `; noise ${range(noise)}` : ""}`;
}

export function overlays({ overlays }: ReportData, book: FigureBook): Section {
  const content = html`<p>Attention from the answer’s token (of a causal tower the last) to the patches minus the mean over all heads of all layers, [CLS] left
out, over the picture in grey: blue is more than the mean, red is less. The pictures of a sample share one scale. Where a head looks does
not say what it does: its effect stands below.</p>
${overlays.length === 0 ? html`<p>No overlay was asked for.</p>` : overlays.map((sample) => overlaidSample(sample, book))}`;
  return { id: "overlays", title: "Overlays", content };
}

function overlaidSample(sample: OverlaySample, book: FigureBook): Html {
  const { dataset, id, heads } = sample;
  return html`<h3>${dataset}, ${id}</h3>
<p>${askedOf(sample)}</p>
<div class="panels">
${headOverlays(sample, book).map((props) => component(PictureOverlay, props))}</div>
${foldedTable({
  caption: `${dataset}, ${id}: attention minus the mean over all heads, by patch.`,
  columns: ["row, column", ...heads.map(headName)],
  rows: (heads[0]?.overlay ?? []).flatMap((line, row) =>
    line.map((_, column) => [`${row}, ${column}`, ...heads.map(({ overlay }) => number(overlay[row]![column]!))]),
  ),
})}`;
}

export const askedOf = ({ question, answers }: OverlaySample) =>
  `${question} Correct: ${answers[0]}; the alternative: ${answers[1]}.`;

/** Longer sides in pixels: of a file, and of what the page holds of it. */
const [FILE_SIDE, PAGE_SIDE] = [256, 128];

/** Where each head looks on a picture, on one scale, and what it does there. */
export function headOverlays(sample: OverlaySample, book: FigureBook, what = "overlay"): PictureOverlayProps[] {
  const { dataset, id, picture, heads } = sample;
  const extent = Math.max(0, ...heads.flatMap(({ overlay }) => overlay.flat().map(Math.abs)));
  const name = (shown: string) => `${what} ${dataset} ${id} ${shown}`;
  const fit = (side: number) => (Math.max(picture.width, picture.height) <= side ? picture : scaleTo(picture, side));
  const plain = book.picture(fit(FILE_SIDE), name("picture"), `The picture of ${id}.`, fit(PAGE_SIDE));
  return heads.map((one) => {
    const drawn = (side: number) => drawOverlay(picture, one.overlay, { extent, side }).picture;
    const said = `${headName(one)} over ${id}: ${extremes(one.overlay)}.`;
    return {
      title: what === "overlay" ? headName(one) : `${what}: ${headName(one)} on ${dataset}`,
      picture: plain,
      overlay: book.picture(drawn(FILE_SIDE), name(headName(one)), said, drawn(PAGE_SIDE)),
      extent,
      ...(one.effect === undefined ? {} : { effect: { effect: one.effect, null: othersOf(one) } }),
    };
  });
}

function othersOf({ others }: HeadOnPicture) {
  return others ? { low: others[0], high: others[1], meaning: "95% of all other heads of this site" } : undefined;
}

/** Where an overlay is largest and smallest. */
function extremes(overlay: readonly (readonly number[])[]): string {
  const cells = overlay.flatMap((line, row) => line.map((value, column) => ({ value, row, column })));
  const place = (best: (a: number, b: number) => boolean) => {
    const found = cells.reduce((one, other) => (best(other.value, one.value) ? other : one));
    return `${number(found.value)} at row ${found.row}, column ${found.column}`;
  };
  return `most ${place((a, b) => a > b)}, least ${place((a, b) => a < b)}`;
}
