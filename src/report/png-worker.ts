import { parentPort } from "node:worker_threads";
import { svgToPng } from "./figure.js";

// The thread of `png-thread.ts`: it draws one SVG after the other.

/** Of one drawing: the PNG, or what kept it from being drawn. */
export type Drawn = { readonly png: Uint8Array } | { readonly error: unknown };

/** What was asked for before. The first, an empty one, loads what all need while nothing is asked for yet. */
let drawing: Promise<unknown> = svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>').catch(
  () => {},
);

parentPort!.on("message", (svg: string) => {
  drawing = drawing.then(async () => {
    const drawn: Drawn = await svgToPng(svg).then(
      (png) => ({ png }),
      (error: unknown) => ({ error }),
    );
    parentPort!.postMessage(drawn);
  });
});
