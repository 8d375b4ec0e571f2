import type { TopLevelSpec } from "vega-lite";
import { withMark } from "./png-mark.js";
import { fontFiles, rasteriserWasm } from "./raster-files.js";

/** The font of every figure: shipped with the package, so that a PNG is the same on every machine. */
const FONT = "DejaVu Sans";

/** What stands in a figure: readers who lack the font see one of nearly the same widths. */
export const FONT_FAMILY = `${FONT}, Verdana, sans-serif`;

const LONGEST_SIDE = 4096;

/** A Vega-Lite specification. (Vega-Lite's own type does not pass `exactOptionalPropertyTypes`.) */
export interface VegaLiteSpec {
  readonly $schema?: string | undefined;
}

/** Vega is loaded here and nowhere else: 0.2 s. */
const importVega = () => Promise.all([import("vega"), import("vega-lite")]);

/** Loads what figures are drawn with, before the first is. */
export async function loadVega(): Promise<void> {
  await importVega();
}

/** Draw a Vega-Lite specification as an SVG document. */
export async function vegaToSvg(spec: VegaLiteSpec): Promise<string> {
  const [vega, vegaLite] = await importVega();
  // The typings leave this out.
  (vega as unknown as { textMetrics: { width: typeof textWidth } }).textMetrics.width = textWidth;
  const view = new vega.View(vega.parse(vegaLite.compile(spec as TopLevelSpec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Without a canvas Vega takes 0.8 em for every letter, and leaves gaps; DejaVu Sans has about 0.58, in bold 0.65. */
function textWidth(item: { fontSize?: number; fontWeight?: unknown; limit?: number }, text: unknown): number {
  const letters = text == null ? 0 : String(text).length;
  const width = letters * (item.fontSize ?? 11) * (item.fontWeight === "bold" ? 0.65 : 0.58);
  return item.limit ? Math.min(item.limit, width) : width;
}

/** Draw an SVG document as a PNG: two pixels to each of its own, fewer where a side would exceed 4,096. */
export async function svgToPng(svg: string): Promise<Uint8Array> {
  const { Resvg, font } = await rasteriser();
  const measured = new Resvg(svg);
  const zoom = Math.min(2, LONGEST_SIDE / Math.max(measured.width, measured.height));
  measured.free();
  const drawing = new Resvg(svg, { font, fitTo: { mode: "zoom", value: zoom } });
  try {
    const image = drawing.render();
    const png = image.asPng();
    image.free();
    return withMark(png);
  } finally {
    drawing.free();
  }
}

let loaded: ReturnType<typeof load> | undefined;

function rasteriser(): ReturnType<typeof load> {
  loaded ??= load();
  return loaded;
}

async function load() {
  const { initWasm, Resvg } = await import("@resvg/resvg-wasm");
  await initWasm(await rasteriserWasm());
  return { Resvg, font: { fontBuffers: await fontFiles(), loadSystemFonts: false, defaultFontFamily: FONT } };
}
