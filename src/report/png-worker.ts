import { parentPort } from "node:worker_threads";
import { oneByOne } from "../base/one-by-one.js";
import { svgToPng } from "./figure.js";

// The thread of `png-thread.ts`: it draws one SVG after the other.

/** Of one drawing: the PNG, or what kept it from being drawn. */
export type Drawn = { readonly png: Uint8Array } | { readonly error: unknown };

const EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
const drawing = oneByOne();

// Loads what all need while nothing is asked for yet.
drawing(() => svgToPng(EMPTY)).catch(() => {});

parentPort!.on("message", async (svg: string) => {
  const drawn: Drawn = await drawing(() => svgToPng(svg)).then(
    (png) => ({ png }),
    (error: unknown) => ({ error }),
  );
  parentPort!.postMessage(drawn);
});
