import { parentPort } from "node:worker_threads";
import { svgToPng } from "./figure.js";

// The thread of `png-thread.ts`: it draws one SVG after the other.

/** Of one drawing: the PNG, or what kept it from being drawn. */
export type Drawn = { readonly png: Uint8Array } | { readonly error: unknown };

let drawing = Promise.resolve();

parentPort!.on("message", (svg: string) => {
  drawing = drawing.then(async () => {
    const drawn: Drawn = await svgToPng(svg).then(
      (png) => ({ png }),
      (error: unknown) => ({ error }),
    );
    parentPort!.postMessage(drawn);
  });
});
