import * as tf from "@tensorflow/tfjs-core";
import { Pair } from "../patching/pair.js";
import { Scores } from "../patching/scores.js";
import type { MimeBundle } from "./show.js";
import type { Showable } from "./views.js";

// Scores, pairs and tensors show themselves in a notebook, where it imports `vlm-notice/register`: tensors are another
// library's, and nobody wants them changed unasked. What draws is loaded when something is first shown, through a
// variable, so that no bundler for the browser follows it to Node's built-ins.
const DRAWING = "./show.js";

async function bundle(this: Showable): Promise<MimeBundle> {
  const { show } = (await import(/* @vite-ignore */ DRAWING)) as typeof import("./show.js");
  return show(this).bundle();
}

for (const { prototype } of [Scores, Pair, tf.Tensor])
  Object.defineProperty(prototype, Symbol.for("Jupyter.display"), {
    value: bundle,
    configurable: true,
    writable: true,
  });
