import type { TopLevelSpec } from "vega-lite";
import { checkObject, NoticeError } from "../base/errors.js";
import { FONT_FAMILY, svgToPng, type VegaLiteSpec, vegaToSvg, xmlText } from "./figure.js";

/** One axis of a map: its title, and a label for each row or column (`0, 1, 2, …` where `labels` is left out). */
export interface MapAxis {
  readonly title: string;
  readonly labels?: readonly string[];
}

/** A layer x head or layer x token matrix of scores. */
export interface HeadMap {
  /** [row, column]; null where there is no score (left out, or no effect is defined). */
  readonly values: readonly (readonly (number | null)[])[];
  readonly title: string;
  /** A line, or several. */
  readonly subtitle?: string | readonly string[];
  /** What a number is, with its unit: "effect (1 = the clean answer fully restored)". */
  readonly legend: string;
  readonly rows: MapAxis;
  readonly columns: MapAxis;
  /** Where the colours end on both sides of 0, equal for maps that are compared. Default: the largest |value|. */
  readonly extent?: number;
  /** Nothing is negative: white to blue instead of red to blue. */
  readonly sequential?: boolean;
  /** Cells with a frame and a dot, and what that says of them. */
  readonly marks?: { readonly cells: readonly (readonly [row: number, column: number])[]; readonly meaning: string };
  /** What else the tooltip says of a cell, [row, column]. */
  readonly notes?: readonly (readonly string[])[];
  /** Small cells, which have a number only where there are up to eight columns. */
  readonly compact?: boolean;
}

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
  const extent = map.extent ?? Math.max(...cells.map(({ value }) => Math.abs(value ?? 0)));
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

const MOST_PRINTED = 16 * 16;
const MOST_COMPACT_COLUMNS = 8;

function printsNumbers({ values, compact = false }: HeadMap): boolean {
  const columns = values[0]!.length;
  return values.length * columns <= MOST_PRINTED && !(compact && columns > MOST_COMPACT_COLUMNS);
}

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly value: number | null;
  readonly text: string;
  readonly marked: boolean;
  /** For the tooltip. */
  readonly place: string;
  readonly number: string;
  readonly note: string;
}

function cellsOf(map: HeadMap, rowLabels: readonly string[], columnLabels: readonly string[]): Cell[] {
  const numbers = map.values.flat().filter((value) => value !== null);
  const wrong = numbers.find((value) => !Number.isFinite(value));
  if (wrong !== undefined)
    throw new NoticeError("options", `A map cannot show ${wrong}; give null where there is no score.`);
  // Beside a map of much larger numbers, small ones need no more decimals than those.
  const largest = Math.max((map.extent ?? 0) / 2, ...numbers.map(Math.abs));
  const printed = printsNumbers(map);
  const marked = new Set(map.marks?.cells.map(([row, column]) => `${row},${column}`));
  const text = (value: number | null) => {
    if (value === null) return "×";
    return printed ? decimals(value, largest) : value < -0.1 * largest ? "−" : "";
  };
  const [rows, columns] = [xmlText(map.rows.title), xmlText(map.columns.title)];
  return map.values.flatMap((line, row) =>
    line.map((value, column) => ({
      row,
      column,
      value,
      text: text(value),
      marked: marked.has(`${row},${column}`),
      place: `${rows} ${rowLabels[row]}, ${columns} ${columnLabels[column]}`,
      number: value === null ? "no score" : value.toPrecision(3).replaceAll("-", "−"),
      note: xmlText(map.notes?.[row]?.[column] ?? ""),
    })),
  );
}

/** Two figures of the largest number, and the same decimals for all: 0.83 and −0.02, 12 and −3, 4.1e−5 and 0. */
export function decimals(value: number, largest: number): string {
  if (Math.abs(value) < largest / 200) return "0";
  const places = 1 - Math.floor(Math.log10(largest || 1));
  const text = places > 3 || places < -3 ? value.toExponential(1) : value.toFixed(Math.max(0, places));
  return Number(text) === 0 ? "0" : text.replaceAll("-", "−");
}

export function labelsOf({ values, rows, columns }: HeadMap): [string[], string[]] {
  const width = values[0]?.length ?? 0;
  if (width === 0)
    throw new NoticeError("options", "A map without values cannot be drawn; give numbers in [row, column].");
  const ragged = values.findIndex((line) => line.length !== width);
  if (ragged > 0) {
    throw new NoticeError(
      "options",
      `Row ${ragged} of the map has ${values[ragged]!.length} values and row 0 has ${width}; make them equal.`,
    );
  }
  const labels = (axis: MapAxis, count: number) => {
    const given = axis.labels ?? Array.from({ length: count }, (_, i) => `${i}`);
    if (given.length === count) return given.map(xmlText);
    throw new NoticeError(
      "options",
      `The axis "${axis.title}" has ${given.length} labels and ${count} places; give one each.`,
    );
  };
  return [labels(rows, values.length), labels(columns, width)];
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
