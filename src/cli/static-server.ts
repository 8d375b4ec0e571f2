import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";

/** A folder, and the folder that its links may lead to; of a plain name, itself. */
export interface Served {
  readonly folder: string;
  readonly links: string;
}

/** What a path of the server's begins with, and the folder that it is. The longest that fits is taken. */
type Folders = Readonly<Record<string, string | Served>>;

/** Files that are in no folder: what they hold, by their paths. */
type Texts = Readonly<Record<string, string>>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

/** What is served, and with which headers. */
interface Site {
  readonly folders: Folders;
  readonly texts?: Texts;
  readonly headers: Readonly<Record<string, string>>;
}

/** Serves the files of folders, whole or in part, and nothing beside them. */
export function staticServer(site: Site): Server {
  return createServer((request, response) => {
    answer(site, request, response).catch(() => refuse(response, 500));
  });
}

async function answer(
  { folders, texts = {}, headers }: Site,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries({ ...headers, "X-Content-Type-Options": "nosniff" }))
    response.setHeader(name, value);
  // A page of another address that has this one's name resolved to this machine.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) return refuse(response, 403);
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405);
  const path = decoded((request.url ?? "/").split(/[?#]/)[0]!);
  if (path !== undefined && Object.hasOwn(texts, path)) {
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" });
    response.end(request.method === "HEAD" ? undefined : texts[path]);
    return;
  }
  const found = await fileOf(folders, path);
  if (!found) return refuse(response, 404);
  const { file, type, size, tag } = found;
  const range = rangeOf(request.headers.range, size);
  if (range === null) {
    response.setHeader("Content-Range", `bytes */${size}`);
    return refuse(response, 416);
  }
  const [from, to] = range ?? [0, size - 1];
  response.writeHead(range ? 206 : 200, {
    "Content-Type": type ?? "application/octet-stream",
    "Content-Length": to - from + 1,
    "Accept-Ranges": "bytes",
    ETag: tag,
    ...(range && { "Content-Range": `bytes ${from}-${to}/${size}` }),
  });
  if (request.method === "HEAD" || size === 0) response.end();
  else
    createReadStream(file, { start: from, end: to })
      .on("error", () => response.destroy())
      .pipe(response);
}

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { "Content-Type": "text/plain" });
  response.end(`${status}\n`);
}

interface Found {
  readonly file: string;
  /** By its name, not by that of what it links to. */
  readonly type: string | undefined;
  readonly size: number;
  /** Another one where the file has changed. */
  readonly tag: string;
}

/** A file that a path names, inside its folder however it is written. */
async function fileOf(folders: Folders, path: string | undefined): Promise<Found | undefined> {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const prefix = prefixes.find((prefix) => path?.startsWith(prefix));
  if (path === undefined || prefix === undefined) return undefined;
  const served = folders[prefix]!;
  const { folder, links } = typeof served === "string" ? { folder: served, links: served } : served;
  const [root, outermost] = [await realpath(folder), await realpath(links)];
  const named = path.slice(prefix.length) || "index.html";
  try {
    const path = join(root, named);
    const file = await realpath(path);
    const found = await stat(file);
    if (!found.isFile() || !path.startsWith(root + sep) || !file.startsWith(outermost + sep)) return undefined;
    return { file, type: TYPES[extname(path)], size: found.size, tag: `"${found.size}-${Math.round(found.mtimeMs)}"` };
  } catch {
    return undefined;
  }
}

function decoded(path: string): string | undefined {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** The bytes that are asked for, the last one included; undefined for all; null where there are none such. */
function rangeOf(header: string | undefined, size: number): [number, number] | undefined | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || (first === "" && last === "")) return undefined;
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return from <= to ? [from, to] : null;
}
