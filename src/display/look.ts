import { Buffer } from "node:buffer";
import type { TopLevelSpec } from "vega-lite";
import { printable } from "../base/inspect.js";
import { xmlText } from "../base/xml.js";
import { hex, overGrey } from "../page/colour.js";
import type { HeadMap } from "../page/map.js";
import { type Box, encodePng, type Picture } from "../pictures/picture.js";
import { FONT_FAMILY, svgToPng, vegaToSvg } from "../report/figure.js";
import { legendOf } from "../report/heatmap.js";
import { drawOverlay } from "../report/overlay.js";
import { pictureText } from "./blocks.js";
import { gridText } from "./grid.js";
import type { Terminal } from "./terminal.js";
import type { View } from "./view.js";

/** Where a head looks: a picture, and a number for each patch of it. */
export interface Look {
  readonly picture: Picture;
  /** [row][column]: attention to the patch, minus the mean over all heads of all layers. */
  readonly grid: readonly (readonly number[])[];
  /** Which head, and the token that it looks from. */
  readonly title: string;
  /** What else stands under the title. */
  readonly subtitle?: readonly string[];
  /** What of the picture the patches see, in its pixels. Default: all of it. */
  readonly box?: Box | undefined;
}

const LEGEND = "attention minus the mean over all heads";

/** A look as text, and as a figure with its title and its scale. */
export function lookView({ picture, grid, title, subtitle = [], box }: Look): View {
  const map: HeadMap = {
    values: grid,
    title,
    legend: `${LEGEND}: more (blue), less (red)`,
    rows: { title: "row" },
    columns: { title: "column" },
  };
  const blocks = (terminal: Terminal) =>
    pictureText(drawOverlay(picture, grid, { side: Math.min(48, terminal.columns), box }).picture, terminal);
  const svg = () => vegaToSvg(figureOf({ picture, grid, title, subtitle, box }));
  return {
    text: (terminal) =>
      `${terminal.colours > 0 ? blocks(terminal) : gridText(map, terminal)}\n${[title, ...subtitle].map(printable).join("\n")}`,
    png: async () => svgToPng(await svg()),
    svg,
    caption: `${title}; ${map.legend}.`,
  };
}

/** Of the picture's longer side in the figure. A PNG has two pixels for each. */
const SIDE = 320;

/** The longest line of a text in the figure, in letters. */
const LINE = 56;

/** The picture under its title, over a scale of the colours. */
function figureOf({ picture, grid, title, subtitle = [], box }: Look): TopLevelSpec {
  const { picture: drawn, extent } = drawOverlay(picture, grid, { side: 2 * SIDE, box });
  const [width, height] = [drawn.width / 2, drawn.height / 2];
  const url = `data:image/png;base64,${Buffer.from(encodePng(drawn)).toString("base64")}`;
  const end = extent || 1;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    padding: 14,
    title: {
      text: lines(title),
      subtitle: subtitle.flatMap(lines),
      ...{ anchor: "start", frame: "bounds", offset: 14 },
    },
    ...{ width, height },
    data: { values: [{ value: 0 }] },
    layer: [
      {
        mark: { type: "image", url, width, height, aspect: false },
        encoding: { x: { value: width / 2 }, y: { value: height / 2 } },
      },
      {
        // Nothing but the bearer of the scale.
        mark: { type: "point", size: 0, opacity: 1 },
        encoding: {
          color: {
            field: "value",
            type: "quantitative",
            scale: {
              range: [-1, 0, 1].map((end) => hex(overGrey(end, 1))),
              domain: [-end, 0, end],
              interpolate: "rgb",
            },
            legend: legendOf(LEGEND, -end, end),
          },
        },
      },
    ],
    config: { font: FONT_FAMILY, view: { stroke: null } },
  };
}

/** A text in lines, broken between words. */
function lines(text: string): string[] {
  const found: string[] = [""];
  for (const word of xmlText(text).split(/\s+/)) {
    const longer = `${found.at(-1)} ${word}`.trim();
    if (longer.length <= LINE || found.at(-1) === "") found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}
