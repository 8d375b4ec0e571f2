import { HeadMap } from "../page/head-map.js";
import type { ShownPicture } from "../page/picture-overlay.js";
import { encodePng, type Picture } from "../pictures/picture.js";
import { type VegaLiteSpec, vegaToSvg } from "./figure.js";
import { headMapSpec } from "./heatmap.js";
import { component, foldedTable, type Html, html } from "./html.js";
import { withMark } from "./png-mark.js";
import type { Rasteriser } from "./png-thread.js";
import type { Chart, MapFigure } from "./report-figures.js";

/** Draws the figures of a report, each both as a part of the page and as files beside it. */
export class FigureBook {
  /** What the page's script draws, by the number in `data-figure`. */
  readonly specs: VegaLiteSpec[] = [];
  /** By name within the folder of figures; PNGs while they are drawn. */
  readonly files = new Map<string, string | Uint8Array | Promise<Uint8Array>>();

  /** @param pngs draws each figure as a PNG too. */
  constructor(private readonly pngs?: Rasteriser) {}

  /**
   * The figure still, with its numbers behind a line. `name` is outside text: the file's name has what is harmless of
   * it.
   */
  async chart({ spec, alt, numbers }: Chart, name: string): Promise<Html> {
    const svg = await this.#draw(spec, name);
    const at = this.specs.push(spec) - 1;
    return html`<figure>
<div class="plot" data-figure="${at}" tabindex="0" role="img" aria-label="${alt}"><img alt="" src="${dataUri("image/svg+xml", svg)}"></div>
${foldedTable(numbers)}</figure>
`;
  }

  /** A map that the keyboard walks through, with its numbers behind a line. */
  async map({ map, alt, numbers }: MapFigure, name: string): Promise<Html> {
    await this.#draw(headMapSpec(map), name);
    return html`<div class="mapped" role="group" aria-label="${alt}">
${component(HeadMap, { map })}
${foldedTable(numbers)}</div>
`;
  }

  async #draw(spec: VegaLiteSpec, name: string): Promise<string> {
    const svg = await vegaToSvg(spec);
    const file = this.#fileName(name);
    this.files.set(`${file}.svg`, svg);
    if (this.pngs) this.files.set(`${file}.png`, this.pngs.draw(svg));
    return svg;
  }

  /** A picture for a component. @param shown what the page has of it, where that is smaller. */
  picture(picture: Picture, name: string, alt: string, shown = picture): ShownPicture {
    const png = withMark(encodePng(picture));
    this.files.set(`${this.#fileName(name)}.png`, png);
    const src = dataUri("image/png", shown === picture ? png : encodePng(shown));
    return { src, alt, width: shown.width, height: shown.height };
  }

  /** Numbered, because different names may have the same harmless letters. */
  #fileName(name: string): string {
    const harmless = name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 80);
    return `${String(this.files.size + 1).padStart(3, "0")}-${harmless}`;
  }
}

function dataUri(type: string, content: string | Uint8Array): string {
  return `data:${type};base64,${Buffer.from(content).toString("base64")}`;
}
