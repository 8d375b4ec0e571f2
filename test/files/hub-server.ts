import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly range?: string;
  readonly authorization?: string;
}

/** Answers a request itself, or returns false to leave it to the hub. */
export type Fault = (request: Request, response: ServerResponse) => boolean | undefined;

/**
 * A hub on 127.0.0.1 with one model in it, `files` by path: its revision and tree endpoints, `resolve` with the hub's
 * headers, LFS files redirected to a second origin (the CDN) that knows Range. `fault` sees every request first.
 */
export class HubServer implements AsyncDisposable {
  readonly requests: Request[] = [];
  fault: Fault = () => false;
  readonly #hub = createServer((request, response) => this.#receive(request, response));
  readonly #cdn = createServer((request, response) => this.#receive(request, response));

  private constructor(
    readonly id: string,
    readonly files: Map<string, Buffer>,
  ) {}

  static async start(files: Record<string, Buffer | string>, id = "owner/tiny-blip"): Promise<HubServer> {
    const server = new HubServer(id, new Map(Object.entries(files).map(([name, data]) => [name, Buffer.from(data)])));
    for (const each of [server.#hub, server.#cdn]) {
      await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", resolve));
    }
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get cdn(): string {
    return `http://127.0.0.1:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** What a file is listed and stored under. */
  digest(name: string): string {
    const data = this.files.get(name)!;
    return isLfs(name) ? sha256(data) : gitSha1(data);
  }

  /** Requests for the content of a file, as the CDN or the hub got them. */
  downloads(name: string): Request[] {
    const digest = sha256(this.files.get(name) ?? Buffer.alloc(0));
    return this.requests.filter(({ path }) => path.endsWith(isLfs(name) ? `/cdn/${digest}` : `/${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.#hub, this.#cdn]) {
      each.closeAllConnections();
      await new Promise((resolve) => each.close(resolve));
    }
  }

  #receive(incoming: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(incoming.url ?? "/", this.endpoint).pathname);
    const { range, authorization } = incoming.headers;
    const request = { method: incoming.method ?? "", path, range, authorization };
    this.requests.push(request);
    if (!this.fault(request, response)) this.#answer(request, response);
  }

  #answer(request: Request, response: ServerResponse): void {
    const { path } = request;
    const api = `/api/models/${this.id}`;
    const content = `/${this.id}/resolve/`;
    if (path === `${api}/revision/main` || path === `${api}/revision/${COMMIT}`) {
      const siblings = [...this.files.keys()].map((rfilename) => ({ rfilename }));
      json(response, { _id: "1", id: this.id, sha: COMMIT, private: false, gated: false, siblings });
    } else if (path === `${api}/tree/${COMMIT}`) {
      json(response, this.tree());
    } else if (path.startsWith("/cdn/")) {
      sendData(response, [...this.files.values()].find((data) => path === `/cdn/${sha256(data)}`)!, request);
    } else if (path.startsWith(content)) {
      this.#resolve(path.slice(content.length).replace(/^[^/]*\//, ""), request, response);
    } else {
      response.writeHead(404, { "x-error-code": "RepoNotFound" }).end("not found");
    }
  }

  #resolve(name: string, request: Request, response: ServerResponse): void {
    const data = this.files.get(name);
    response.setHeader("x-repo-commit", COMMIT);
    if (!data) {
      response.writeHead(404, { "x-error-code": "EntryNotFound" }).end("not found");
    } else if (isLfs(name)) {
      const digest = sha256(data);
      const linked = { "x-linked-etag": `"${digest}"`, "x-linked-size": data.length };
      response.writeHead(302, { ...linked, location: `${this.cdn}/cdn/${digest}` }).end();
    } else {
      response.setHeader("etag", `"${gitSha1(data)}"`);
      sendData(response, data, request);
    }
  }

  tree(): object[] {
    return [...this.files].map(([path, data]) => ({
      type: "file",
      path,
      size: data.length,
      oid: gitSha1(data),
      ...(isLfs(path) && { lfs: { oid: sha256(data), size: data.length, pointerSize: 134 } }),
    }));
  }
}

export function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

export function sendData(response: ServerResponse, data: Buffer, request: Request): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.range ?? "")?.[1] ?? -1);
  const part = data.subarray(Math.max(0, from));
  const headers = { "content-length": part.length, "accept-ranges": "bytes" };
  if (from < 0) response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${data.length - 1}/${data.length}` });
  response.end(request.method === "HEAD" ? undefined : part);
}

export const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
export const gitSha1 = (data: Buffer): string =>
  createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex");
const isLfs = (name: string): boolean => name.endsWith(".safetensors") || name.endsWith(".bin");
