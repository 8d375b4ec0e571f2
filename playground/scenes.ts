import type { Form } from "../src/data/sample.js";
import { draw, type Sample, sampleAt, sceneName, type Task, tasks, worldOf } from "../src/data/scenes/scene.js";
import { askedPart, isTrueAt, putScene } from "../src/data/scenes/sentences.js";
import { isStatedTrue } from "../src/data/statement.js";
import type { PairGiven } from "./shown.js";

/** That of a study that draws the page's scenes: others than the embedded model learned from. */
export const STUDY_SEED = 1000;

const WORLD = worldOf(STUDY_SEED);

export const TASKS: readonly Task[] = tasks;

/** How many scenes of a task have addresses. */
export const MOST_SCENES = 1_000_000;

/** A scene, its minimal pair, and what tells them apart, as a model takes it. */
export function scenePair(task: Task, index: number, form: Form = "question"): PairGiven {
  return givenOf(sampleAt(task, WORLD, index), form, isTrueAt(index));
}

function givenOf(sample: Sample, form: Form, isTrue: boolean): PairGiven {
  const [image, corruptImage] = [draw(sample.scene).picture, draw(sample.corrupt).picture];
  const { question, answers, answerPlace } = putScene(sample, form, isTrue);
  return { image, corruptImage, question, answers: [...answers], ...(answerPlace && { answerPlace }) };
}

/** Other scenes of the task, for comparison. */
export function otherPairs(task: Task, index: number, count: number, form: Form = "question"): PairGiven[] {
  return Array.from({ length: count }, (_, i) => scenePair(task, (index + 1 + i) % MOST_SCENES, form));
}

/** A scene as a study of the page's world has it. */
export interface StudiedScene {
  readonly id: string;
  /** What a selection balances. */
  readonly sample_group: string;
  readonly given: PairGiven;
  /** 255 where the object is that is asked about, [row * side + column]. */
  readonly mask: Uint8Array | undefined;
}

/** Scene `index` as `notice study --seed 1000` puts it. */
export function studiedScene(task: Task, index: number, form: Form): StudiedScene {
  const sample = sampleAt(task, WORLD, index);
  const { scene, aspect, question } = sample;
  const id = sceneName(task, index);
  const mask = askedPart({ task, aspect, question }, Object.fromEntries(draw(scene).masks));
  return {
    id,
    sample_group: aspect,
    given: givenOf(sample, form, isStatedTrue(STUDY_SEED, task, `images/${id}.png`)),
    mask,
  };
}
