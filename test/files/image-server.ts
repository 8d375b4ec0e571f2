import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers the nth request (from 1) for a path. */
export type Answer = (response: ServerResponse, nth: number, request: IncomingMessage) => void;

/** A server on 127.0.0.1 that answers each path as told, and counts what it is asked. */
export class ImageServer implements AsyncDisposable {
  readonly requests: string[] = [];
  /** How many requests were open at once, at most. */
  most = 0;
  #open = 0;
  readonly #server = createServer((request, response) => {
    const path = request.url!;
    this.requests.push(path);
    this.most = Math.max(this.most, ++this.#open);
    response.on("close", () => this.#open--);
    const answer = this.answers[path];
    if (answer) answer(response, this.count(path), request);
    else response.writeHead(404).end("no such picture");
  });

  private constructor(readonly answers: Record<string, Answer>) {}

  static async start(answers: Record<string, Answer>): Promise<ImageServer> {
    const server = new ImageServer(answers);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count(path: string): number {
    return this.requests.filter((request) => request === path).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The whole of it, at once. */
export const send =
  (content: Uint8Array | string, headers: Record<string, string | number> = {}): Answer =>
  (response) =>
    response.writeHead(200, headers).end(content);

export const redirect =
  (to: string, status = 301): Answer =>
  (response) =>
    response.writeHead(status, { location: to }).end();
