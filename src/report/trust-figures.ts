import type { TopLevelSpec } from "vega-lite";
import type { AttributionAgreement, PlaceAgreement } from "../study/agreement.js";
import type { Verified } from "../study/verified.js";
import { FONT_FAMILY, xmlText } from "./figure.js";
import { number } from "./html.js";
import { type Figure, headName, MODALITY_NAMES } from "./report-figures.js";

/** What all plots of points and lines share. */
const FRAME = {
  $schema: "https://vega.github.io/schema/vega-lite/v6.json",
  background: "white",
  padding: 14,
  width: 250,
  height: 200,
  config: {
    font: FONT_FAMILY,
    view: { stroke: null },
    axis: { labelFontSize: 11, titleFontWeight: "normal", gridColor: "#e6e6e6", domainColor: "#8a8a8a" },
    legend: { orient: "bottom", direction: "horizontal", columns: 2, labelFontSize: 11, title: null, symbolOpacity: 1 },
  },
} as const satisfies Partial<TopLevelSpec>;

/** Okabe and Ito's colours, which the common kinds of colour blindness tell apart; each has a shape beside it. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
const SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right"];

const title = (text: string, subtitle: string) =>
  ({ text: xmlText(text), subtitle: xmlText(subtitle), anchor: "start", frame: "bounds", offset: 10 }) as const;

/** Where a place is, in words: `L0H2 at 5 (red)`. */
function placeName({ layer, head, position, token }: PlaceAgreement): string {
  const where = head === null ? `layer ${layer}` : headName({ layer, head });
  return position === null ? where : `${where} at ${position}${token === null ? "" : ` (${token})`}`;
}

/** What gradients expected beside what patching did. */
export function agreementFigure(of: AttributionAgreement): Figure {
  const { dataset, modality, sites, places, misses } = of;
  const name = `${dataset}, ${MODALITY_NAMES[modality]}`;
  const count = sites.reduce((sum, one) => sum + one.places, 0);
  const ends = [...places.flatMap(({ expected, exact }) => [expected, exact]), 0];
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const worst = new Set(misses);
  const values = places.map((place) => ({
    expected: place.expected,
    exact: place.exact,
    site: place.site,
    at: xmlText(`${place.sample}, ${placeName(place)}`),
    miss: worst.has(place),
  }));
  // Rows change the answer by ten logits and most heads by a tenth.
  const axis = (field: "expected" | "exact", what: string) => ({
    field,
    type: "quantitative" as const,
    title: `${what} (logits)`,
    scale: { type: "symlog" as const, constant: 0.1, domain: [least, most], nice: false },
    axis: { values: [-10, -1, -0.1, 0, 0.1, 1, 10], format: "~r", labelOverlap: "greedy" as const, labelSeparation: 4 },
  });
  const position = { x: axis("expected", "attribution"), y: axis("exact", "exact patching") };
  const domain = sites.map(({ site }) => site);
  const correlations = sites.map(({ site, pearson }) => `${site} ${number(pearson)}`).join(", ");
  const spec: TopLevelSpec = {
    ...FRAME,
    title: title(name, `${places.length} of ${count} places; ○ worst misses; line: equal`),
    layer: [
      {
        data: { values: [least, most].map((end) => ({ expected: end, exact: end })) },
        mark: { type: "line", color: "#8a8a8a", strokeDash: [4, 3], aria: false, tooltip: null },
        encoding: position,
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 28, opacity: 0.6, aria: false },
        encoding: {
          ...position,
          color: { field: "site", type: "nominal", scale: { domain, range: COLOURS } },
          shape: { field: "site", type: "nominal", scale: { domain, range: SHAPES } },
          tooltip: [
            { field: "at", title: "at" },
            { field: "site", title: "site" },
            { field: "expected", title: "attribution", format: ".3f" },
            { field: "exact", title: "exact", format: ".3f" },
          ],
        },
      },
      {
        data: { values: values.filter(({ miss }) => miss) },
        mark: { type: "point", size: 130, stroke: "black", strokeWidth: 1.5, aria: false, tooltip: null },
        encoding: position,
      },
    ],
  };
  const [first] = misses;
  return {
    spec,
    alt:
      `Scatter of attribution and exact patching. ${name}, ${count} places. Correlation: ${correlations}.` +
      (first
        ? ` Worst miss: ${placeName(first)} of ${first.site}, ${number(first.expected)} expected, ${number(first.exact)} found.`
        : ""),
    numbers: {
      caption: `${name}: where attribution and exact patching are furthest apart, in logits.`,
      columns: ["place", "site", "sample", "attribution", "exact"],
      rows: misses.map((one) => [placeName(one), one.site, one.sample, number(one.expected), number(one.exact)]),
    },
  };
}

/** What is kept of the answer over the number of heads that are kept; the circuit and random sets of its size beside the curve. */
export function curveFigure(of: Verified): Figure {
  const { dataset, modality, sizes, curve, heads, kept, randomSets, tested } = of;
  const name = `${dataset}, ${MODALITY_NAMES[modality]}`;
  const circuit = { heads: heads.length, kept, what: "the circuit" };
  const values = [
    ...sizes.map((size, at) => ({ heads: size, kept: curve[at]!, what: "largest effects first" })),
    ...randomSets.map((share) => ({ heads: heads.length, kept: share, what: "random sets" })),
    circuit,
  ];
  const position = {
    x: {
      field: "heads",
      type: "quantitative" as const,
      title: `heads kept, of ${of.of}`,
      scale: { domain: [0, of.of], nice: false },
      axis: { tickMinStep: 1, tickCount: 6 },
    },
    y: { field: "kept", type: "quantitative" as const, title: "share of the answer", axis: { tickCount: 5 } },
  };
  const domain = ["largest effects first", "the circuit", "random sets"];
  const marks = {
    ...position,
    color: { field: "what", type: "nominal" as const, scale: { domain, range: [COLOURS[0]!, COLOURS[1]!, "#6b6b6b"] } },
    shape: { field: "what", type: "nominal" as const, scale: { domain, range: ["circle", "diamond", "cross"] } },
    tooltip: [
      { field: "what", title: "kept are" },
      { field: "heads", title: "heads" },
      { field: "kept", title: "share", format: ".3f" },
    ],
  };
  const spec: TopLevelSpec = {
    ...FRAME,
    title: title(name, `mean over ${tested} other samples; dashed: the whole model`),
    data: { values },
    layer: [
      {
        data: { values: [{ kept: 1 }] },
        mark: { type: "rule", color: "#8a8a8a", strokeDash: [4, 3], aria: false, tooltip: null },
        encoding: { y: position.y },
      },
      {
        transform: [{ filter: "datum.what === 'largest effects first'" }],
        mark: { type: "line", color: COLOURS[0]!, aria: false, tooltip: null },
        encoding: position,
      },
      {
        transform: [{ filter: "datum.what === 'random sets'" }],
        mark: { type: "point", filled: true, opacity: 0.5, size: 30, aria: false },
        encoding: marks,
      },
      {
        transform: [{ filter: "datum.what === 'largest effects first'" }],
        mark: { type: "point", filled: true, opacity: 1, size: 40, aria: false },
        encoding: marks,
      },
      {
        transform: [{ filter: "datum.what === 'the circuit'" }],
        mark: { type: "point", filled: true, opacity: 1, size: 150, stroke: "white", strokeWidth: 1, aria: false },
        encoding: marks,
      },
    ],
  };
  return {
    spec,
    alt:
      `Curve of what is kept of the answer over the number of heads kept, of ${of.of}. ${name}, ${tested} samples. The circuit of ${heads.length} heads keeps ${number(kept)}, ` +
      `random sets ${number(of.random)}; from ${of.needed} heads on at least 0.85 is kept.`,
    numbers: {
      caption: `${name}: share of the answer kept, by the number of heads kept, those with the largest effects first.`,
      columns: ["heads", "kept"],
      rows: sizes.map((size, at) => [`${size}`, number(curve[at]!)]),
    },
  };
}
