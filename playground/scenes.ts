import type { Form } from "../src/data/sample.js";
import { draw, sampleAt, type Task, tasks } from "../src/data/scenes/scene.js";
import { isTrueAt, putScene } from "../src/data/scenes/sentences.js";
import type { PairGiven } from "./shown.js";

/** Of the page's world: others than the embedded model learned from. */
const SEED = 2000;

export const TASKS: readonly Task[] = tasks;

/** How many scenes of a task have addresses. */
export const MOST_SCENES = 1_000_000;

/** A scene, its minimal pair, and what tells them apart, as a model takes it. */
export function scenePair(task: Task, index: number, form: Form = "question"): PairGiven {
  const sample = sampleAt(task, SEED, index);
  const [image, corruptImage] = [draw(sample.scene).picture, draw(sample.corrupt).picture];
  const { question, answers, answerPlace } = putScene(sample, form, isTrueAt(index));
  return { image, corruptImage, question, answers: [...answers], ...(answerPlace && { answerPlace }) };
}

/** Other scenes of the task, for comparison. */
export function otherPairs(task: Task, index: number, count: number, form: Form = "question"): PairGiven[] {
  return Array.from({ length: count }, (_, i) => scenePair(task, (index + 1 + i) % MOST_SCENES, form));
}
