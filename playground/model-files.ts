import type { CheckpointFiles } from "../src/base/source.js";

/** A model's files, kept in the browser's cache where they come from a server and it allows that. */
export interface ModelFiles extends CheckpointFiles {
  /** Why nothing is kept; undefined where it is. */
  readonly refused: string | undefined;
}

/** The address of a folder, or the files of one on this machine. */
export type ModelSource = string | readonly File[];

export const CACHE = "vlm-notice-model";

/** How often a download that breaks is taken up again. */
const TRIES = 3;

/** @param onBytes how much of the weights is there. */
export async function modelFiles(
  source: ModelSource,
  onBytes: (done: number, of: number) => void,
): Promise<ModelFiles> {
  return typeof source === "string" ? servedFiles(source, onBytes) : chosenFiles(source);
}

/** Of a folder that the reader chose: they stay where they are. */
function chosenFiles(files: readonly File[]): ModelFiles {
  const find = (name: string) => files.find((file) => file.name === name);
  return {
    name: "The folder",
    refused: undefined,
    text: async (name) => find(name)?.text(),
    async bytes(name) {
      const file = find(name);
      if (!file) return undefined;
      const read = async (start: number, end: number) => new Uint8Array(await file.slice(start, end).arrayBuffer());
      return { name, size: file.size, read };
    },
  };
}

async function servedFiles(address: string, onBytes: (done: number, of: number) => void): Promise<ModelFiles> {
  let refused: string | undefined;
  const cache = await openCache().catch((error: Error) => {
    refused = error.message;
    return undefined;
  });
  if (cache) await forgetOthers(cache, address);
  const keep = async (url: string, response: Response) =>
    cache?.put(url, response).catch((error: Error) => {
      refused = error.message;
    });
  const read = async (file: string) => {
    const url = new URL(`${address}/${file}`).href;
    const kept = await cache?.match(url).catch(() => undefined);
    if (kept?.status === 404) return undefined;
    if (kept) return new Uint8Array(await kept.arrayBuffer());
    const bytes = await download(url, file.endsWith(".safetensors") ? onBytes : () => {});
    await keep(url, bytes ? new Response(bytes) : new Response("", { status: 404 }));
    return bytes;
  };
  return {
    name: address,
    get refused() {
      return refused;
    },
    async text(file) {
      const bytes = await read(file);
      return bytes && new TextDecoder().decode(bytes);
    },
    async bytes(file) {
      const bytes = await read(file);
      return bytes && { name: file, size: bytes.length, read: async (start, end) => bytes.slice(start, end) };
    },
  };
}

/** Drops what is kept of another model that stood at this address. Without a network nothing is known of that. */
async function forgetOthers(cache: Cache, address: string): Promise<void> {
  const parts: string[] = [];
  for (const file of ["config.json", "model.safetensors"]) {
    const { headers } = await fetch(`${address}/${file}`, { method: "HEAD" }).catch(() => Response.error());
    parts.push(...["etag", "last-modified", "content-length"].map((name) => headers.get(name) ?? ""));
  }
  const identity = parts.join(" ");
  if (identity.trim() === "") return;
  const known = await (await cache.match(`${address}/identity`))?.text();
  if (known === identity) return;
  for (const request of await cache.keys()) if (request.url.startsWith(`${address}/`)) await cache.delete(request);
  await cache.put(`${address}/identity`, new Response(identity)).catch(() => {});
}

async function openCache(): Promise<Cache> {
  if (typeof caches === "undefined") throw new Error("this browser keeps nothing for this address");
  return caches.open(CACHE);
}

/** A file as it comes; where the line breaks, from the byte on that is missing. undefined where there is no file. */
async function download(url: string, onBytes: (done: number, of: number) => void) {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(url, done > 0 ? { headers: { range: `bytes=${done}-` } } : {});
      if (response.status === 404 || response.headers.get("content-type")?.startsWith("text/html")) return undefined;
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      if (done > 0 && response.status !== 206) [pieces.length, done] = [0, 0];
      const of = done + Number(response.headers.get("content-length") ?? 0);
      const reader = response.body!.getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        pieces.push(part.value);
        done += part.value.length;
        onBytes(done, of);
      }
      if (done < of) throw new Error(`only ${done} of ${of} bytes came`);
      return new Uint8Array(await new Blob(pieces).arrayBuffer());
    } catch (error) {
      if (tries === TRIES)
        throw new Error(`${url} cannot be loaded: ${(error as Error).message}. Load the page again.`);
    }
  }
}
