import { encodePng, type Picture } from "../pictures/picture.js";
import { svgToPng, type VegaLiteSpec, vegaToSvg } from "./figure.js";
import { foldedTable, type Html, html } from "./html.js";
import { withMark } from "./png-mark.js";
import type { Figure } from "./report-figures.js";

/** Draws the figures of a report, each both as a part of the page and as files beside it. */
export class FigureBook {
  /** What the page's script draws, by the number in `data-figure`. */
  readonly specs: VegaLiteSpec[] = [];
  /** By name within the folder of figures. */
  readonly files = new Map<string, string | Uint8Array>();

  constructor(private readonly options: { readonly png: boolean }) {}

  /**
   * The figure still, with its numbers behind a line. `name` is outside text: the file's name has what is harmless of
   * it.
   */
  async figure({ spec, alt, numbers }: Figure, name: string): Promise<Html> {
    const svg = await vegaToSvg(spec);
    const file = this.#fileName(name);
    this.files.set(`${file}.svg`, svg);
    if (this.options.png) this.files.set(`${file}.png`, await svgToPng(svg));
    const at = this.specs.push(spec) - 1;
    return html`<figure>
<div class="plot" data-figure="${at}" tabindex="0" role="img" aria-label="${alt}"><img alt="" src="${dataUri("image/svg+xml", svg)}"></div>
${foldedTable("Numbers", numbers)}</figure>
`;
  }

  /** A picture with words beneath it. */
  picture(picture: Picture, name: string, { alt, caption }: { readonly alt: string; readonly caption: string }): Html {
    const png = withMark(encodePng(picture));
    this.files.set(`${this.#fileName(name)}.png`, png);
    return html`<figure><img alt="${alt}" width="${picture.width}" height="${picture.height}" src="${dataUri("image/png", png)}">
<figcaption>${caption}</figcaption></figure>
`;
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
