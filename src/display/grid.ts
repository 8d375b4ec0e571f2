import { printable } from "../base/inspect.js";
import { cellColours } from "../page/colour.js";
import { decimals, type HeadMap, labelsOf } from "../page/map.js";
import { PLAIN, paint, type Terminal } from "./terminal.js";

/** A cell's width where numbers do not fit: two columns. */
const NARROW = 2;
const RULER = 5;

/**
 * A map as coloured cells with their numbers, red to blue around 0 as in the figures; without colour, numbers alone.
 * Where the numbers do not fit into a line there are colours alone, or signed ninths of the largest value; where these
 * do not fit, the columns go on below.
 *
 * @throws NoticeError `options` for a map without values, with ragged rows or labels that are not one for each.
 */
export function gridText(map: HeadMap, terminal: Terminal = PLAIN): string {
  const [rowLabels, columnLabels] = labelsOf(map).map((labels) => labels.map(printable)) as [string[], string[]];
  const numbers = map.values.flat().filter((value) => value !== null);
  const extent = map.extent ?? Math.max(0, ...numbers.map(Math.abs));
  const text = (value: number | null) => (value === null ? "×" : decimals(value, extent).replaceAll("−", "-"));
  const margin = Math.max(map.rows.title.length, ...rowLabels.map((label) => label.length)) + 1;
  const room = terminal.columns - margin;
  const longest = Math.max(...map.values.flat().map((value) => text(value).length));
  const wanted = Math.max(longest, ...columnLabels.map((label) => label.length)) + 2;
  const width = Math.max(longest + 2, Math.min(wanted, Math.floor(room / columnLabels.length)));
  const fits = width * columnLabels.length <= room;
  const cell = (value: number | null) => {
    const shown = fits ? text(value) : terminal.colours > 0 && value !== null ? "" : ninths(value, extent);
    const [ink, background] = cellColours(value, extent);
    return paint(fits ? `${shown.padStart(width - 1)} ` : shown.padStart(NARROW), ink, background, terminal);
  };
  const each = fits ? columnLabels.length : Math.floor(room / NARROW);
  const bands: string[] = [];
  for (let from = 0; from < columnLabels.length; from += each) {
    const to = from + each;
    const header = fits ? labelLine(columnLabels, width) : ruler(from, Math.min(to, columnLabels.length));
    const line = (row: readonly (number | null)[], i: number) =>
      `${rowLabels[i]!.padStart(margin - 1)} ${row.slice(from, to).map(cell).join("")}`.trimEnd();
    bands.push([`${printable(map.rows.title).padStart(margin - 1)} ${header}`, ...map.values.map(line)].join("\n"));
  }
  const key = fits || terminal.colours > 0 ? "" : `, in ninths of ${text(extent)}`;
  const legend = `${printable(map.columns.title)} across; ${printable(map.legend)}${key}`;
  const scale = terminal.colours > 0 && extent > 0 ? `\n${colourBar(text(-extent), text(extent), terminal)}` : "";
  return `${bands.join("\n\n")}\n\n${legend}${scale}`;
}

function labelLine(labels: readonly string[], width: number): string {
  const short = (label: string) => (label.length < width ? label : `${label.slice(0, width - 2)}…`);
  return labels
    .map((label) => `${short(label).padStart(width - 1)} `)
    .join("")
    .trimEnd();
}

/** The index of every fifth column, above it, where it has room. */
function ruler(from: number, to: number): string {
  let line = "";
  for (let column = Math.ceil(from / RULER) * RULER; column < to; column += RULER)
    if ((column - from) * NARROW + `${column}`.length < (to - from) * NARROW)
      line = `${line.padEnd((column - from) * NARROW)} ${column}`;
  return line;
}

/** `-7` for seven ninths of the largest value below 0. */
function ninths(value: number | null, extent: number): string {
  if (value === null) return "×";
  return `${Math.max(-9, Math.min(9, Math.round((9 * value) / (extent || 1)))) || 0}`;
}

const BAR = 9;

function colourBar(lowest: string, highest: string, terminal: Terminal): string {
  const cells = Array.from({ length: BAR }, (_, i) => cellColours((2 * i) / (BAR - 1) - 1, 1));
  return `${lowest} ${cells.map(([ink, colour]) => paint("  ", ink, colour, terminal)).join("")} ${highest}`;
}
