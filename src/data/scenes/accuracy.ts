import * as tf from "@tensorflow/tfjs-core";
import type { Model } from "../../patching/model.js";
import type { Picture } from "../../pictures/picture.js";
import { size } from "./canvas.js";
import { draw, type Sample, sampleAt, type Task } from "./scene.js";

/** What a model answers to the same questions about each picture, its minimal pair, and an even grey. */
export interface SceneAnswers {
  readonly clean: readonly string[];
  readonly corrupt: readonly string[];
  readonly blank: readonly string[];
}

/** Shares of 1. */
export interface SceneAccuracy {
  readonly scenes: number;
  readonly accuracy: number;
  readonly aspects: Readonly<Record<string, number>>;
  /** Right about the picture, and the other alternative about its minimal pair. */
  readonly flips: number;
  /** Right by chance: the picture is an even grey. */
  readonly blank: number;
}

/** The questions that a seed asks: one a scene. */
export function sceneSamples(task: Task, count: number, seed: number): Sample[] {
  return Array.from({ length: count }, (_, index) => sampleAt(task, seed, index));
}

const batch = 100;
const grey: Picture = { width: size, height: size, data: new Uint8Array(size * size * 3).fill(128) };

/**
 * Asks by `generate`, a hundred pictures at a time.
 *
 * @param samples of one task, so that their questions are equally long.
 * @param progress called after each hundred with the samples done.
 * @throws NoticeError `tokens` where the model's vocabulary makes questions of one task unequally long.
 */
export async function askScenes(
  blip: Model,
  samples: readonly Sample[],
  progress: (done: number) => void = () => {},
): Promise<SceneAnswers> {
  const answers = { clean: [] as string[], corrupt: [] as string[], blank: [] as string[] };
  for (let at = 0; at < samples.length; at += batch) {
    const part = samples.slice(at, at + batch);
    const questions = part.map(({ question }) => question);
    const pictures: Record<keyof SceneAnswers, Picture[]> = {
      clean: part.map(({ scene }) => draw(scene).picture),
      corrupt: part.map(({ corrupt }) => draw(corrupt).picture),
      blank: part.map(() => grey),
    };
    for (const kind of ["clean", "corrupt", "blank"] as const) {
      const each = await Promise.all(pictures[kind].map((picture) => blip.pixels(picture)));
      const images = tf.concat(each); // [batch, height, width, 3]
      answers[kind].push(...(await blip.answerBatch(images, questions)));
      tf.dispose([images, ...each]);
    }
    progress(at + part.length);
  }
  return answers;
}

export function sceneAccuracy(samples: readonly Sample[], { clean, corrupt, blank }: SceneAnswers): SceneAccuracy {
  const right = samples.map(({ answers }, i) => clean[i] === answers[0]);
  const share = (values: readonly boolean[]) => values.filter(Boolean).length / values.length;
  const names = [...new Set(samples.map(({ aspect }) => aspect))].sort();
  return {
    scenes: samples.length,
    accuracy: share(right),
    aspects: Object.fromEntries(
      names.map((name) => [name, share(right.filter((_, i) => samples[i]!.aspect === name))]),
    ),
    flips: share(samples.map(({ answers }, i) => right[i]! && corrupt[i] === answers[1])),
    blank: share(samples.map(({ answers }, i) => blank[i] === answers[0])),
  };
}
