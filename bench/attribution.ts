import * as tf from "@tensorflow/tfjs-core";
import { blipVqa } from "../src/model/blip-vqa.js";
import { passFrom } from "../src/model/pass.js";
import { type AttributeOptions, attributeAll } from "../src/patching/attribute.js";
import type { Pair } from "../src/patching/pair.js";
import { Run } from "../src/patching/run.js";
import { circuitSites } from "../src/patching/sites.js";
import { useBackend } from "../src/platform/backend.js";
import { median } from "./median.js";
import { randomModel, randomPair, seeded } from "./random-model.js";

// `NOTICE_BACKEND=wasm npx tsx bench/attribution.ts`: what an attribution of all heads of the three towers costs, in
// forward passes, at the size of weights/scenes and with layers of blip-vqa-base (two of its twelve a tower: the ratio
// is a layer's).

const SIZES = {
  "weights/scenes": { heads: 6, headDim: 16, visionLayers: 4, textLayers: 3, mlp: 192, grid: 8 },
  "blip-vqa-base, 2 layers": { heads: 12, headDim: 64, visionLayers: 2, textLayers: 2, mlp: 3072, grid: 24 },
};
const STEPS = 10;

/** Median milliseconds of each, measured in turns, since others use the machine too. */
async function time(works: readonly (() => Promise<unknown>)[], turns: number): Promise<number[]> {
  const times = works.map((): number[] => []);
  for (let turn = 0; turn < turns; turn++)
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      await work();
      times[i]!.push(performance.now() - start);
    }
  return times.map((own) => median(own));
}

async function forward({ model, clean }: Pair): Promise<void> {
  using run = await Run.of(model, () => passFrom(model, (tower) => tf.clone(clean.activations.streams[tower]![0]!)));
  await run.logits.data();
}

const backend = await useBackend();
for (const [name, shape] of Object.entries(SIZES)) {
  const random = seeded(1);
  using pair = await randomPair(await randomModel(shape, random), "image", 9, random);
  const forms: AttributeOptions[] = [{}, { steps: STEPS }, { gradDrop: true }];
  const works = forms.map((form) => () => attributeAll(pair, circuitSites(blipVqa), form));
  const [pass, plain, steps, drops] = (await time([() => forward(pair), ...works], shape.heads > 6 ? 3 : 15)) as [
    number,
    number,
    number,
    number,
  ];
  const layers = shape.visionLayers + 2 * shape.textLayers;
  const passes = (milliseconds: number) => (milliseconds / pass).toFixed(2);
  console.log(
    `${name}, ${backend}: forward pass ${pass.toFixed(1)} ms; plain attribution ${passes(plain)} passes; integrated ` +
      `${passes(steps / STEPS)} passes a step of ${STEPS}; GradDrop ${passes(drops / layers)} passes a layer of ${layers} (${tf.memory().numTensors} tensors)`,
  );
}
