import { NoticeError } from "../base/errors.js";

// What raster-files.ts is in Node. Bundlers find the files by these addresses; they are fetched with the first PNG.

async function read(address: URL): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok || response.headers.get("content-type")?.startsWith("text/html"))
    throw new NoticeError(
      "network",
      `${address} is not there; a PNG needs it. Bundle the page (a development server may lose it), or show the figure as SVG.`,
    );
  return new Uint8Array(await response.arrayBuffer());
}

/** resvg as WebAssembly. */
export function rasteriserWasm(): Promise<Uint8Array> {
  return read(new URL("@resvg/resvg-wasm/index_bg.wasm", import.meta.url));
}

/** DejaVu Sans and its bold face. */
export function fontFiles(): Promise<Uint8Array[]> {
  const plain = new URL("dejavu-fonts-ttf/ttf/DejaVuSans.ttf", import.meta.url);
  const bold = new URL("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf", import.meta.url);
  return Promise.all([plain, bold].map(read));
}
