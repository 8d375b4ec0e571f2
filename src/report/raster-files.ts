import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// In a browser package.json puts raster-files.browser.ts in the place of this file.

const { resolve } = createRequire(import.meta.url);
const read = async (name: string) => new Uint8Array(await readFile(resolve(name)));

/** resvg as WebAssembly. */
export function rasteriserWasm(): Promise<Uint8Array> {
  return read("@resvg/resvg-wasm/index_bg.wasm");
}

/** DejaVu Sans and its bold face. */
export function fontFiles(): Promise<Uint8Array[]> {
  return Promise.all(["dejavu-fonts-ttf/ttf/DejaVuSans.ttf", "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"].map(read));
}
