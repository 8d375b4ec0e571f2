import type { TopLevelSpec } from "vega-lite";
import { checkObject } from "../base/errors.js";
import { xmlText } from "../base/xml.js";
import {
  type Cell,
  cellsOf,
  decimals,
  extentOf,
  type HeadMap,
  labelsOf,
  type MapAxis,
  printsNumbers,
} from "../page/map.js";
import { FONT_FAMILY, svgToPng, type VegaLiteSpec, vegaToSvg } from "./figure.js";

/** The map as a PNG. @throws NoticeError as `headMapSpec` does. */
export async function headMapPng(map: HeadMap): Promise<Uint8Array> {
  return svgToPng(await headMapSvg(map));
}

/**
 * The map as an SVG document, its text escaped: labels may come from a checkpoint. @throws NoticeError as `headMapSpec`
 * does.
 */
export async function headMapSvg(map: HeadMap): Promise<string> {
  return vegaToSvg(headMapSpec(map));
}

/**
 * The map as a Vega-Lite specification. Red to blue around 0 (ColorBrewer's RdBu, safe for the common kinds of colour
 * blindness). In grey both ends are equally dark: small grids print their numbers, large ones "−" in the negative cells
 * that matter. A cell without a score is grey with "×" in it.
 * @throws NoticeError "options": no values, ragged rows, labels that are not one for each row and column, a value that
 * is neither finite nor null.
 */
export function headMapSpec(map: HeadMap): VegaLiteSpec {
  checkObject("The map", map, "what scoreMap returns");
  const [rowLabels, columnLabels] = labelsOf(map);
  const printed = printsNumbers(map);
  const cells = cellsOf(map, rowLabels, columnLabels);
  const extent = extentOf(map);
  const longest = Math.max(map.compact ? 5 : 0, ...cells.map(({ text }) => text.length));
  const step = printed ? Math.max(34, 7 * longest + (map.marks ? 14 : 8)) : 20;
  const upright = columnLabels.every((label) => 8 * label.length <= step);
  const marked = cells.filter(({ marked }) => marked);
  const spec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 14,
    title: titleOf(map, cells),
    // Looked up by index: tokens repeat in a question, and no foreign text becomes part of an expression.
    params: [
      { name: "rowLabels", value: rowLabels },
      { name: "columnLabels", value: columnLabels },
    ],
    data: { values: cells },
    width: { step },
    height: { step: printed ? 26 : 18 },
    encoding: {
      x: ordinal("column", map.columns, { labelAngle: upright ? 0 : -60 }),
      y: ordinal("row", map.rows, { labelLimit: 240 }),
    },
    layer: layers(map, extent || 1, marked, step),
    config: {
      font: FONT_FAMILY,
      mark: { invalid: null },
      view: { stroke: null },
      axis: { ticks: false, domain: false, labelLimit: 120, labelPadding: 6, labelFontSize: 11, labelOverlap: false },
    },
  } satisfies TopLevelSpec;
  return spec;
}

const ordinal = (field: "row" | "column", { title }: MapAxis, axis: { labelAngle?: number; labelLimit?: number }) =>
  ({
    field,
    type: "ordinal",
    title: xmlText(title),
    axis: { labelExpr: `${field}Labels[datum.value]`, ...axis },
  }) as const;

/** The map's title; below it what marks and gaps mean, where there are some. */
function titleOf(map: HeadMap, cells: readonly Cell[]) {
  const missing = cells.some(({ value }) => value === null) ? ["× no score"] : [];
  const meaning = cells.some(({ marked }) => marked) ? [`● ${xmlText(map.marks!.meaning)}`] : [];
  const subtitle = [...[map.subtitle ?? []].flat().map(xmlText), ...meaning, ...missing];
  return { text: xmlText(map.title), subtitle, anchor: "start", frame: "bounds", offset: 14 } as const;
}

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

/** The cells; their numbers; frames and dots around those that are marked. */
function layers(map: HeadMap, extent: number, marked: readonly Cell[], step: number): Layers {
  const ink = { condition: { test: `abs(datum.value) > ${0.6 * extent}`, value: "white" }, value: "#1a1a1a" } as const;
  const tooltip = [
    { field: "place", title: "at" },
    { field: "number", title: "value" },
    ...(map.notes ? ([{ field: "note", title: "also" }] as const) : []),
  ] as const;
  const cells: Layers = [
    {
      mark: { type: "rect", stroke: "white" },
      encoding: { color: colour(map, extent), tooltip: [...tooltip] },
    },
    {
      mark: { type: "text", fontSize: 11, aria: false, tooltip: null },
      encoding: { text: { field: "text", type: "nominal" }, color: ink },
    },
  ];
  if (marked.length === 0) return cells;
  const data = { values: [...marked] };
  const dot = { type: "text", text: "●", fontSize: 7, dx: step / 2 - 5, dy: -6, aria: false, tooltip: null } as const;
  const frame = { type: "rect", fill: null, stroke: "black", strokeWidth: 2, aria: false, tooltip: null } as const;
  return [...cells, { data, mark: frame }, { data, mark: dot, encoding: { color: ink } }];
}

function colour({ legend, sequential = false }: HeadMap, extent: number) {
  const lowest = sequential ? 0 : -extent;
  return {
    field: "value",
    type: "quantitative",
    condition: { test: "datum.value === null", value: "#c4c4c4" },
    scale: { scheme: sequential ? "blues" : "redblue", domain: [lowest, extent], clamp: true },
    legend: legendOf(legend, lowest, extent),
  } as const;
}

/** A scale of colours below a figure, with five values. */
export function legendOf(title: string, lowest: number, highest: number) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => lowest + part * (highest - lowest));
  const names = ticks.map((tick) => decimals(tick, highest));
  const nearest = `round(${4 / (highest - lowest)} * (datum.value - ${lowest}))`;
  return {
    title: xmlText(title),
    titleLimit: 600,
    orient: "bottom",
    direction: "horizontal",
    gradientLength: 240,
    values: ticks,
    labelExpr: `${JSON.stringify(names)}[${nearest}]`,
  } as const;
}
