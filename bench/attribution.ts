import * as tf from "@tensorflow/tfjs-core";
import { useBackend } from "../src/backend.js";
import { seeFrom } from "../src/model/blip.js";
import { attributeAll } from "../src/patching/attribute.js";
import { CIRCUIT_SITES } from "../src/patching/faithful.js";
import { newRun, type Pair } from "../src/patching/pair.js";
import { randomModel, randomPair, seeded } from "../test/support/random-model.js";

// `NOTICE_BACKEND=wasm npx tsx bench/attribution.ts`: what an attribution of all heads of the three towers costs, in forward passes,
// at the size of weights/scenes and with layers of blip-vqa-base (two of its twelve a tower: the ratio is a layer's).

const SIZES = {
  "weights/scenes": { heads: 6, headDim: 16, visionLayers: 4, textLayers: 3, mlp: 192, grid: 8 },
  "blip-vqa-base, 2 layers": { heads: 12, headDim: 64, visionLayers: 2, textLayers: 2, mlp: 3072, grid: 24 },
};
const STEPS = 4;

/** Milliseconds: the least of several, since others use the machine too. */
async function time(work: () => Promise<unknown>, repeats: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

async function forward({ model, clean, question }: Pair): Promise<void> {
  using run = newRun(model, (m) => seeFrom(m, tf.clone(clean.activations.vision[0]!)), question);
  await run.logits.data();
}

const backend = await useBackend();
for (const [name, shape] of Object.entries(SIZES)) {
  const random = seeded(1);
  using pair = await randomPair(await randomModel(shape, random), "image", 9, random);
  const repeats = shape.heads > 6 ? 5 : 30;
  const pass = await time(() => forward(pair), repeats);
  const plain = await time(() => attributeAll(pair, CIRCUIT_SITES), repeats);
  const steps = await time(() => attributeAll(pair, CIRCUIT_SITES, { steps: STEPS }), repeats);
  console.log(
    `${name}, ${backend}: forward pass ${pass.toFixed(1)} ms; plain attribution ${(plain / pass).toFixed(2)} passes; ` +
      `integrated ${(steps / STEPS / pass).toFixed(2)} passes a step (${tf.memory().numTensors} tensors)`,
  );
}
