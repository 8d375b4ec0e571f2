import { Worker } from "node:worker_threads";
import type { Drawn } from "./png-worker.js";

// The sources run as they are under a loader such as tsx, whose flags a thread inherits.
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./png-worker.ts" : "./png-worker.js", import.meta.url);

/** Draws PNGs in a thread of its own, while the next figure is computed here. Dispose of it after use. */
export class PngThread {
  readonly #worker = new Worker(WORKER);
  /** Of the SVGs that are not drawn yet, in their order. */
  readonly #waiting: PromiseWithResolvers[] = [];

  constructor() {
    this.#worker.on("message", (drawn: Drawn) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if ("png" in drawn) resolve(drawn.png);
      else reject(drawn.error);
    });
    this.#worker.on("error", (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** As `svgToPng`. */
  draw(svg: string): Promise<Uint8Array> {
    const drawn = new Promise<Uint8Array>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    drawn.catch(() => {}); // until it is awaited
    this.#worker.postMessage(svg);
    return drawn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

interface PromiseWithResolvers {
  resolve(png: Uint8Array): void;
  reject(error: unknown): void;
}
