import { NoticeError } from "../base/errors.js";
import { xmlText } from "../base/xml.js";

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

const MOST_PRINTED = 16 * 16;
const MOST_COMPACT_COLUMNS = 8;

/** Whether there is room for the numbers of a map. */
export function printsNumbers({ values, compact = false }: HeadMap): boolean {
  const columns = values[0]!.length;
  return values.length * columns <= MOST_PRINTED && !(compact && columns > MOST_COMPACT_COLUMNS);
}

/** A cell with its texts, escaped for a drawing. */
export interface Cell {
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

/** @throws NoticeError "options" for a value that is neither finite nor null. */
export function cellsOf(map: HeadMap, rowLabels: readonly string[], columnLabels: readonly string[]): Cell[] {
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

/** Where the colours of a map end. */
export function extentOf({ extent, values }: HeadMap): number {
  return extent ?? Math.max(0, ...values.flat().map((value) => Math.abs(value ?? 0)));
}

/** Two figures of the largest number, and the same decimals for all: 0.83 and −0.02, 12 and −3, 4.1e−5 and 0. */
export function decimals(value: number, largest: number): string {
  if (Math.abs(value) < largest / 200) return "0";
  const places = 1 - Math.floor(Math.log10(largest || 1));
  const text = places > 3 || places < -3 ? value.toExponential(1) : value.toFixed(Math.max(0, places));
  return Number(text) === 0 ? "0" : text.replaceAll("-", "−");
}

/** @throws NoticeError "options": no values, ragged rows, labels that are not one for each row and column. */
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
