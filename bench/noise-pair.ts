import * as tf from "@tensorflow/tfjs-core";
import type { Blip } from "../src/blip.js";
import { Pair } from "../src/patching/pair.js";
import { BASE_QUESTION } from "./base-checkpoint.js";

/** Two pictures of noise and a question in words that `writeRandomCheckpoint` knows. The caller disposes of it. */
export async function noisePair(blip: Blip, question = BASE_QUESTION): Promise<Pair> {
  const { image_size: side } = blip.config.vision;
  const [pixels, corruptPixels] = [1, 2].map((seed) => tf.randomNormal([1, side, side, 3], 0, 1, "float32", seed));
  const answers = { correct: blip.answer("red"), incorrect: blip.answer("blue") };
  const sample = { modelName: "noise", pixels: pixels!, corruptPixels, question: blip.question(question), answers };
  try {
    return await Pair.of(blip, sample);
  } finally {
    tf.dispose([pixels!, corruptPixels!]);
  }
}
