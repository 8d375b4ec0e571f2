import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Blip } from "../src/patching/model.js";
import { Pair } from "../src/patching/pair.js";
import { BASE_QUESTION, normals } from "./base-checkpoint.js";

const ANSWERS = ["red", "blue"] as const;

/** Two pictures of noise and a question in words that `writeRandomCheckpoint` knows. The caller disposes of it. */
export async function noisePair(blip: Blip, question = BASE_QUESTION): Promise<Pair> {
  const { image_size: side } = blip.config.vision;
  const [pixels, corruptPixels] = noisePictures(side).map((values) => tf.tensor4d(values, [1, side, side, 3]));
  const answers = { correct: blip.answer(ANSWERS[0]), incorrect: blip.answer(ANSWERS[1]) };
  const sample = { modelName: "noise", pixels: pixels!, corruptPixels, question: blip.question(question), answers };
  try {
    return await Pair.of(blip, sample);
  } finally {
    tf.dispose([pixels!, corruptPixels!]);
  }
}

/** Writes the pair that `noisePair` makes, for other programs: pair.json, and pixels.f32 [picture, side, side, 3]. */
export async function writeNoisePair(folder: string, side: number): Promise<void> {
  await writeFile(join(folder, "pair.json"), JSON.stringify({ question: BASE_QUESTION, answers: ANSWERS }));
  const pictures = noisePictures(side).map(({ buffer }) => new Uint8Array(buffer));
  await writeFile(join(folder, "pixels.f32"), Buffer.concat(pictures));
}

/** The clean one and the corrupted one: N(0, 1), [side, side, 3] each. */
const noisePictures = (side: number): Float32Array<ArrayBuffer>[] =>
  [1, 2].map((seed) => normals(side * side * 3, seed));
