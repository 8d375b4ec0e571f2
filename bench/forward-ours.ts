import * as tf from "@tensorflow/tfjs-core";
import { walk } from "../src/model/blocks/block.js";
import { forward, towerBlocks } from "../src/model/pass.js";
import { atOnce } from "../src/model/steps.js";
import { loadBlip } from "../src/patching/load-model.js";
import { Run } from "../src/patching/run.js";
import type { Backend } from "../src/platform/backend.js";
import { BASE_QUESTION } from "./base-checkpoint.js";

// One process of `forward.ts`: prints its figures as a line of JSON.

const started = performance.now();
using blip = await loadBlip(process.argv[2]!, { backend: (process.argv[3] ?? "wasm") as Backend });
const load = performance.now() - started;
const peakRss = process.resourceUsage().maxRSS * 1024;

const question = blip.question(BASE_QUESTION);
const pixels = tf.randomNormal([1, 384, 384, 3]);
const ids = tf.tensor2d([[...question.ids]], undefined, "int32");
const vision = await median(async () => {
  const image = tf.tidy(
    () => walk(towerBlocks(blip, "vision", []), blip.architecture.towers.vision!.embed(blip, { pixels, ids })).at(-1)!,
  );
  await image.data();
  image.dispose();
});
using seen = await Run.of(blip, () => forward(blip, { pixels, ids }));
const text = await median(async () => {
  const logits = tf.tidy(() => atOnce(forward(blip, { ids }, seen.activations)).logits);
  await logits.data();
  logits.dispose();
});
console.log(JSON.stringify({ name: `vlm-notice, ${blip.backend}`, load, peakRss, vision, text }));

async function median(work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.slice(1).sort((a, b) => a - b)[2]!;
}
