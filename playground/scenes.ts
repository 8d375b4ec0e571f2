import { draw, sampleAt, type Task, tasks } from "../src/data/scenes/scene.js";
import type { PairGiven } from "./shown.js";

/** Of the page's world: others than the embedded model learned from. */
const SEED = 2000;

export const TASKS: readonly Task[] = tasks;

/** How many scenes of a task have addresses. */
export const MOST_SCENES = 1_000_000;

/** A scene, its minimal pair, and the question that tells them apart. */
export function scenePair(task: Task, index: number): PairGiven {
  const { scene, corrupt, question, answers } = sampleAt(task, SEED, index);
  const [image, corruptImage] = [draw(scene).picture, draw(corrupt).picture];
  return { image, corruptImage, question, answers: [...answers] };
}

/** Other scenes of the task, for comparison. */
export function otherPairs(task: Task, index: number, count: number): PairGiven[] {
  return Array.from({ length: count }, (_, i) => scenePair(task, (index + 1 + i) % MOST_SCENES));
}
