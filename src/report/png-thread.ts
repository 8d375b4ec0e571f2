import { Worker } from "node:worker_threads";
import { svgToPng } from "./figure.js";
import type { Drawn } from "./png-worker.js";

/** Draws PNGs. Dispose of it after use. */
export interface Rasteriser extends AsyncDisposable {
  /** As `svgToPng`. */
  draw(svg: string): Promise<Uint8Array>;
}

/** In a thread of its own, while the next figure is computed here. */
export function openRasteriser(): Rasteriser {
  // Sources that run as they are, under a loader such as tsx: threads do not inherit it.
  if (import.meta.url.endsWith(".ts")) return { draw: svgToPng, async [Symbol.asyncDispose]() {} };
  return new PngThread();
}

class PngThread implements Rasteriser {
  readonly #worker = new Worker(new URL("./png-worker.js", import.meta.url));
  /** Of the SVGs that are not drawn yet, in their order. */
  readonly #waiting: { resolve(png: Uint8Array): void; reject(error: unknown): void }[] = [];
  #ended: Error | undefined;

  constructor() {
    this.#worker.on("message", (drawn: Drawn) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if ("png" in drawn) resolve(drawn.png);
      else reject(drawn.error);
    });
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("The thread that draws PNGs has ended.")));
  }

  draw(svg: string): Promise<Uint8Array> {
    const drawn = new Promise<Uint8Array>((resolve, reject) => {
      if (this.#ended) reject(this.#ended);
      else this.#waiting.push({ resolve, reject });
    });
    drawn.catch(() => {}); // until it is awaited
    this.#worker.postMessage(svg);
    return drawn;
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
