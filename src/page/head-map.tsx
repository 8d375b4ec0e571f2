import type { VNode } from "preact";
import { xmlText } from "../base/xml.js";
import { cellColours, hex } from "./colour.js";
import { moveInGrid } from "./grid-keys.js";
import { Legend } from "./legend.js";
import { type Cell, cellsOf, extentOf, labelsOf, type HeadMap as MapData, printsNumbers } from "./map.js";

/** Where a cell stands in a map, from 0. */
export type CellPlace = readonly [row: number, column: number];

/** What `HeadMap` shows. */
export interface HeadMapProps {
  readonly map: MapData;
  /** The cell that is looked at. */
  readonly selected?: CellPlace | undefined;
  /** By mouse, Enter or the space bar. */
  readonly onSelect?: (row: number, column: number) => void;
}

/** A map with its title and its scale; the value of a cell stands below it while it is pointed at or has the focus. */
export function HeadMap(props: HeadMapProps): VNode {
  const map = plainTexts(props.map);
  const { title, subtitle, legend, marks, sequential = false } = map;
  return (
    <figure class="head-map">
      <figcaption>
        <strong>{title}</strong>
        {[subtitle].flat().map((line) => (
          <span>{line}</span>
        ))}
        {marks && marks.cells.length > 0 && <span>● {marks.meaning}</span>}
        {map.values.flat().includes(null) && <span>× no score</span>}
      </figcaption>
      <div class="scroll">
        <MapDrawing {...props} map={map} />
      </div>
      <Legend legend={legend} extent={extentOf(map)} sequential={sequential} />
    </figure>
  );
}

/** Titles without what has no place in a drawing; labels are cleaned where they are drawn. */
function plainTexts(map: MapData) {
  return { ...map, title: xmlText(map.title), subtitle: [map.subtitle ?? []].flat().map(xmlText) };
}

/** Of a letter of 11 pixels. */
const LETTER = 6.6;
const TOP = 34;
const LINE = 22;

/** The map alone, in pixels of its own: its letters are never scaled down. */
function MapDrawing({ map, selected, onSelect }: HeadMapProps): VNode {
  const [rowLabels, columnLabels] = labelsOf(map);
  const small = { ...map, compact: true };
  const cells = cellsOf(small, rowLabels, columnLabels);
  const longest = Math.max(4, ...cells.map(({ text }) => text.length));
  const [wide, tall] = printsNumbers(small) ? [Math.max(30, LETTER * longest + 8), 26] : [20, 20];
  const left = LETTER * Math.max(map.rows.title.length, ...rowLabels.map(({ length }) => length)) + 8;
  const slanted = columnLabels.some(({ length }) => LETTER * length > wide);
  const top = slanted ? TOP + LETTER * 0.8 * Math.max(...columnLabels.map(({ length }) => length)) : TOP;
  const width = Math.max(left + wide * columnLabels.length + 2, left + LETTER * map.columns.title.length);
  const bottom = top + tall * rowLabels.length;
  const frame = { wide, tall, left, top, bottom, extent: extentOf(map) };
  const inTabOrder = selected ?? [0, 0];
  const label = `${map.title}: ${map.legend}`;
  return (
    <svg
      class="map"
      role="grid"
      aria-label={label}
      {...{ width, height: bottom + LINE }}
      {...FONT}
      onKeyDown={moveInGrid}
    >
      <g aria-hidden="true" class="labels" fill="#1a1a1a">
        <text x={left} y={13}>
          {xmlText(map.columns.title)}
        </text>
        <text x={1} y={top - 6}>
          {xmlText(map.rows.title)}
        </text>
        {columnLabels.map((text, i) => (
          <ColumnLabel text={text} x={left + wide * (i + 0.5)} y={top - 6} slanted={slanted} />
        ))}
        {rowLabels.map((text, i) => (
          <text x={left - 6} y={top + tall * (i + 0.5) + 4} text-anchor="end">
            {text}
          </text>
        ))}
      </g>
      {rowLabels.map((_, row) => (
        <g role="row">
          {cells
            .filter((cell) => cell.row === row)
            .map((cell) => {
              const isSelected = cell.row === selected?.[0] && cell.column === selected[1];
              const tabindex = cell.row === inTabOrder[0] && cell.column === inTabOrder[1] ? 0 : -1;
              return <MapCell {...{ cell, frame, isSelected, tabindex, onSelect }} />;
            })}
        </g>
      ))}
    </svg>
  );
}

const FONT = { "font-family": '"DejaVu Sans", system-ui, sans-serif', "font-size": 11 } as const;

function ColumnLabel({ text, x, y, slanted }: { text: string; x: number; y: number; slanted: boolean }): VNode {
  return slanted ? (
    <text x={x} y={y} transform={`rotate(-60 ${x} ${y})`}>
      {text}
    </text>
  ) : (
    <text x={x} y={y} text-anchor="middle">
      {text}
    </text>
  );
}

interface MapCellProps {
  readonly cell: Cell;
  readonly frame: { wide: number; tall: number; left: number; top: number; bottom: number; extent: number };
  readonly isSelected: boolean;
  readonly tabindex: number;
  readonly onSelect?: HeadMapProps["onSelect"];
}

function MapCell({ cell, frame, isSelected, tabindex, onSelect }: MapCellProps): VNode {
  const { row, column, value, text, marked, place, number, note } = cell;
  const { wide, tall, left, top, bottom, extent } = frame;
  const [ink, background] = cellColours(value, extent).map(hex) as [string, string];
  const [x, y] = [left + wide * column, top + tall * row];
  const said = `${place}: ${number}${note && `, ${note}`}`;
  // What can be seen in the cell is part of its name: who speaks to a browser says what they see.
  const name = /\d/.test(text) ? said.replace(": ", `: ${text}, exactly `) : said;
  const select = onSelect && (() => onSelect(row, column));
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select?.();
  };
  return (
    <g
      {...{ role: "gridcell", class: "cell", tabindex, "data-row": row, "data-column": column, "aria-label": name }}
      {...{ "aria-selected": isSelected, onClick: select, onKeyDown: select && press }}
    >
      <rect {...{ x, y, width: wide, height: tall, fill: background, stroke: "#ffffff" }} />
      {(marked || isSelected) && (
        <rect
          {...{ x: x + 1.5, y: y + 1.5, width: wide - 3, height: tall - 3, fill: "none", stroke: "#111111" }}
          {...{ "stroke-width": isSelected ? 3 : 1.5 }}
        />
      )}
      <text aria-hidden="true" fill={ink} text-anchor="middle" x={x + wide / 2} y={y + tall / 2 + 4}>
        {text}
      </text>
      {marked && <circle cx={x + wide - 6} cy={y + 6} r={2.5} fill={ink} />}
      <text aria-hidden="true" class="tip" display="none" x={1} y={bottom + LINE - 6} fill="#1a1a1a">
        {said}
      </text>
    </g>
  );
}
