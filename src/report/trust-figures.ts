import type { TopLevelSpec } from "vega-lite";
import { xmlText } from "../base/xml.js";
import { number } from "../page/number.js";
import { headName } from "../patching/head-place.js";
import type { AttributionAgreement } from "../study/agreement.js";
import type { PlaceAgreement } from "../study/queries/agreement.js";
import type { Verified } from "../study/verified.js";
import { FONT_FAMILY } from "./figure.js";
import { type Chart, MODALITY_NAMES } from "./report-figures.js";

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
export function agreementFigure(of: AttributionAgreement): Chart {
  const { sites, misses } = of;
  const name = nameOf(of);
  const count = placesIn(of);
  const correlations = sites.map(({ site, pearson }) => `${site} ${number(pearson, "of too few places")}`).join(", ");
  const [first] = misses;
  return {
    spec: agreementSpec(of),
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

const nameOf = ({ dataset, modality }: AttributionAgreement | Verified) => `${dataset}, ${MODALITY_NAMES[modality]}`;

const placesIn = ({ sites }: AttributionAgreement) => sites.reduce((sum, one) => sum + one.places, 0);

function agreementSpec(of: AttributionAgreement): TopLevelSpec {
  const { places } = of;
  const ends = [...places.flatMap(({ expected, exact }) => [expected, exact]), 0];
  const [least, most] = [Math.min(...ends), Math.max(...ends)] as const;
  // Rows change the answer by ten logits and most heads by a tenth.
  const axis = (field: "expected" | "exact", what: string) => ({
    field,
    type: "quantitative" as const,
    title: `${what} (logits)`,
    scale: { type: "symlog" as const, constant: 0.1, domain: [least, most], nice: false },
    axis: { values: [-10, -1, -0.1, 0, 0.1, 1, 10], format: "~r", labelOverlap: "greedy" as const, labelSeparation: 4 },
  });
  const position = { x: axis("expected", "attribution"), y: axis("exact", "exact patching") };
  const values = pointsOf(of);
  return {
    ...FRAME,
    title: title(nameOf(of), `${places.length} of ${placesIn(of)} places; ○ worst misses; line: equal`),
    layer: [
      {
        data: { values: [least, most].map((end) => ({ expected: end, exact: end })) },
        mark: { type: "line", color: "#8a8a8a", strokeDash: [4, 3], aria: false, tooltip: null },
        encoding: position,
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 28, opacity: 0.6, aria: false },
        encoding: { ...position, ...siteMarks(of) },
      },
      {
        data: { values: values.filter(({ miss }) => miss) },
        mark: { type: "point", size: 130, stroke: "black", strokeWidth: 1.5, aria: false, tooltip: null },
        encoding: position,
      },
    ],
  };
}

function pointsOf({ places, misses }: AttributionAgreement) {
  const worst = new Set(misses);
  return places.map((place) => ({
    expected: place.expected,
    exact: place.exact,
    site: place.site,
    at: xmlText(`${place.sample}, ${placeName(place)}`),
    miss: worst.has(place),
  }));
}

/** Colour and shape by site, and what the tooltip says. */
function siteMarks({ sites }: AttributionAgreement) {
  const domain = sites.map(({ site }) => site);
  return {
    color: { field: "site", type: "nominal" as const, scale: { domain, range: COLOURS } },
    shape: { field: "site", type: "nominal" as const, scale: { domain, range: SHAPES } },
    tooltip: [
      { field: "at", title: "at" },
      { field: "site", title: "site" },
      { field: "expected", title: "attribution", format: ".3f" },
      { field: "exact", title: "exact", format: ".3f" },
    ],
  };
}

/**
 * What is kept of the answer over the number of heads that are kept; the circuit and random sets of its size beside the
 * curve.
 */
export function curveFigure(of: Verified): Chart {
  const { sizes, curve, heads, kept, tested } = of;
  const name = nameOf(of);
  return {
    spec: curveSpec(of),
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

const [LARGEST, CIRCUIT, RANDOM] = ["largest effects first", "the circuit", "random sets"] as const;

/** Colour and shape by what is kept, and what the tooltip says. */
const KEPT_MARKS = {
  color: {
    field: "what",
    type: "nominal" as const,
    scale: { domain: [LARGEST, CIRCUIT, RANDOM], range: [COLOURS[0]!, COLOURS[1]!, "#6b6b6b"] },
  },
  shape: {
    field: "what",
    type: "nominal" as const,
    scale: { domain: [LARGEST, CIRCUIT, RANDOM], range: ["circle", "diamond", "cross"] },
  },
  tooltip: [
    { field: "what", title: "kept are" },
    { field: "heads", title: "heads" },
    { field: "kept", title: "share", format: ".3f" },
  ],
};

function curveSpec(of: Verified): TopLevelSpec {
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
  const only = (what: string) => [{ filter: `datum.what === '${what}'` }];
  const points = (what: string, mark: { opacity: number; size: number; stroke?: string; strokeWidth?: number }) => ({
    transform: only(what),
    mark: { type: "point" as const, filled: true, ...mark, aria: false },
    encoding: { ...position, ...KEPT_MARKS },
  });
  return {
    ...FRAME,
    title: title(nameOf(of), `mean over ${of.tested} other samples; dashed: the whole model`),
    data: { values: keptBy(of) },
    layer: [
      {
        data: { values: [{ kept: 1 }] },
        mark: { type: "rule", color: "#8a8a8a", strokeDash: [4, 3], aria: false, tooltip: null },
        encoding: { y: position.y },
      },
      {
        transform: only(LARGEST),
        mark: { type: "line", color: COLOURS[0]!, aria: false, tooltip: null },
        encoding: position,
      },
      points(RANDOM, { opacity: 0.5, size: 30 }),
      points(LARGEST, { opacity: 1, size: 40 }),
      points(CIRCUIT, { opacity: 1, size: 150, stroke: "white", strokeWidth: 1 }),
    ],
  };
}

function keptBy({ sizes, curve, heads: { length: heads }, kept, randomSets }: Verified) {
  return [
    ...sizes.map((size, at) => ({ heads: size, kept: curve[at]!, what: LARGEST })),
    ...randomSets.map((share) => ({ heads, kept: share, what: RANDOM })),
    { heads, kept, what: CIRCUIT },
  ];
}
