import * as tf from "@tensorflow/tfjs-core";
import { towerSize, towersOf } from "../../src/model/architecture.js";
import type { Run } from "../../src/patching/run.js";
import type { Site } from "../../src/patching/sites.js";

/** What a pass is, in short: the mean over its tokens of the last stream of the tower that reads the question. */
export async function featuresOf(run: Run): Promise<number[]> {
  const [tower] = towersOf(run.model).find(([, { tokens }]) => tokens === "question")!;
  const { layers } = towerSize(run.model, tower);
  const features = tf.tidy(() => tf.mean(run.at(`${tower}.resid_post` as Site, { layer: layers - 1 }), 0));
  try {
    return [...(await features.data())];
  } finally {
    features.dispose();
  }
}
