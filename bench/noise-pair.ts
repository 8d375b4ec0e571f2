import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Architecture } from "../src/model/architecture.js";
import { answersOf } from "../src/patching/choices.js";
import type { Model } from "../src/patching/model.js";
import { Pair } from "../src/patching/pair.js";
import { BASE_QUESTION, type BaseArchitecture, normals } from "./base-checkpoint.js";

const answersTo = ({ readout: { classes } }: Architecture): [string, string] =>
  classes ? [classes[1]!, classes[0]!] : ["red", "blue"];

/** Of the family of BLIP. */
export type BaseModel = Model<BaseArchitecture>;

/** Two pictures of noise and a question in words that `writeRandomCheckpoint` knows. The caller disposes of it. */
export async function noisePair(blip: BaseModel, question = BASE_QUESTION): Promise<Pair> {
  const { image_size: side } = blip.config.vision;
  const [pixels, corruptPixels] = noisePictures(side).map((values) => tf.tensor4d(values, [1, side, side, 3]));
  const answers = answersOf(blip, answersTo(blip.architecture));
  const sample = { modelName: "noise", pixels: pixels!, corruptPixels, question: blip.question(question), answers };
  try {
    return await Pair.of(blip, sample);
  } finally {
    tf.dispose([pixels!, corruptPixels!]);
  }
}

/** Writes the pair that `noisePair` makes, for other programs: pair.json, and pixels.f32 [picture, side, side, 3]. */
export async function writeNoisePair(folder: string, architecture: Architecture, side: number): Promise<void> {
  await writeFile(
    join(folder, "pair.json"),
    JSON.stringify({ question: BASE_QUESTION, answers: answersTo(architecture) }),
  );
  const pictures = noisePictures(side).map(({ buffer }) => new Uint8Array(buffer));
  await writeFile(join(folder, "pixels.f32"), Buffer.concat(pictures));
}

/** The clean one and the corrupted one: N(0, 1), [side, side, 3] each. */
const noisePictures = (side: number): Float32Array<ArrayBuffer>[] =>
  [1, 2].map((seed) => normals(side * side * 3, seed));
