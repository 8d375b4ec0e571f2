// What raster-files.ts is in Node. Bundlers find the files by these addresses; they are fetched with the first PNG.

const read = async (address: URL) => new Uint8Array(await (await fetch(address)).arrayBuffer());

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
