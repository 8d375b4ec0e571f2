import { type Random, random } from "../../base/random.js";
import { type ActionScene, actionAspects, drawActions, sampleActions } from "./actions.js";
import { type AttributeScene, attributeAspects, drawAttributes, type Shape, sampleAttributes } from "./attributes.js";
import type { Drawing } from "./canvas.js";
import { drawFaces, type FaceScene, faceAspects, sampleFaces } from "./faces.js";
import { type Aspect, replacements, words } from "./vocabulary.js";

/** Everything that was chosen about one picture: equal scenes draw equal pictures, byte for byte. */
export type Scene = AttributeScene | ActionScene | FaceScene;
export type Task = Scene["kind"];
export const tasks: readonly Task[] = ["attributes", "actions", "faces"];

/** What can be asked about the scenes of a task. */
export const aspects: Record<Task, readonly Aspect[]> = {
  attributes: attributeAspects,
  actions: actionAspects,
  faces: faceAspects,
};

/** Worlds below this one would meet that which the shipped checkpoint learned from. */
const FIRST_WORLD = 1000;

/** The world whose scenes a study of a seed draws. */
export const worldOf = (seed: number) => FIRST_WORLD + seed;

/** Its name, of which that of its picture is made. */
export const sceneName = (task: Task, index: number) => `${task}-${String(index).padStart(5, "0")}`;

/** Scene `index` of a world: independent of how many others are drawn. */
export function sampleScene(task: Task, seed: number, index: number): Scene {
  const choose = random(seed, task, index);
  if (task === "attributes") return sampleAttributes(choose);
  return task === "actions" ? sampleActions(choose) : sampleFaces(choose);
}

export function draw(scene: Scene): Drawing {
  if (scene.kind === "attributes") return drawAttributes(scene);
  return scene.kind === "actions" ? drawActions(scene) : drawFaces(scene);
}

/** The word that is true of this scene. */
export function truth(scene: Scene, aspect: Aspect): string {
  const bearer: Partial<Record<Aspect, string>> = scene.kind === "attributes" ? scene.shapes[0]! : scene;
  return bearer[aspect]!;
}

/** The scene's minimal pair: all choices equal but this one. */
function vary<S extends Scene>(scene: S, aspect: Aspect, word: string): S {
  if (scene.kind !== "attributes") return { ...scene, [aspect]: word };
  return { ...scene, shapes: scene.shapes.map((shape, i) => (i === 0 ? { ...shape, [aspect]: word } : shape)) };
}

/** The question that names both words, in this order. */
function ask(scene: Scene, aspect: Aspect, one: string, other: string): string {
  if (scene.kind === "faces") return `is this person feeling ${one} or ${other}?`;
  const either = `${one} or ${other}`;
  if (scene.kind === "attributes") return `is this ${scene.shapes[0]!.noun} ${either}?`;
  const place = (name: Aspect) => (name === aspect ? either : truth(scene, name));
  return `is ${actionAspects.map(place).join(" ")}?`;
}

/** What the picture shows, as a sentence. */
export function caption(scene: Scene): string {
  if (scene.kind === "faces") return `this person is feeling ${scene.expression}.`;
  if (scene.kind === "actions") return `a ${scene.subject} is ${scene.verb} a ${scene.object}.`;
  const phrase = (s: Shape) => `a ${s.size} ${s.form} ${s.texture} ${s.colour} ${s.noun}`;
  return `${scene.shapes.map(phrase).join(" and ")}.`;
}

/** A question about a scene, and the same with other words in it. */
export interface Sample {
  readonly scene: Scene;
  /** Differs from `scene` in `aspect` only; `incorrect` is true of it. */
  readonly corrupt: Scene;
  readonly aspect: Aspect;
  readonly question: string;
  /** `question` with both alternatives replaced by others of the same number of tokens (STR). */
  readonly corruptQuestion: string;
  readonly answers: readonly [correct: string, incorrect: string];
}

/**
 * One question about a scene: which alternative, which order and which replacements is chosen; the aspect may be given.
 */
export function sampleQuestion(scene: Scene, choose: Random, aspect = choose.pick(aspects[scene.kind])): Sample {
  const correct = truth(scene, aspect);
  const incorrect = choose.pick((words[aspect] as readonly string[]).filter((word) => word !== correct));
  const order = (one: string, other: string) =>
    first ? ask(scene, aspect, one, other) : ask(scene, aspect, other, one);
  const first = choose.chance(0.5);
  const unasked = (word: string) => word !== correct && word !== incorrect;
  const other = choose.pick(replacements(aspect, correct).filter(unasked));
  const another = choose.pick(replacements(aspect, incorrect).filter((word) => unasked(word) && word !== other));
  return {
    scene,
    corrupt: vary(scene, aspect, incorrect),
    aspect,
    question: order(correct, incorrect),
    corruptQuestion: order(other, another),
    answers: [correct, incorrect],
  };
}

/** Scene `index` of a world with the one question that this world asks about it. */
export function sampleAt(task: Task, seed: number, index: number): Sample {
  return sampleQuestion(sampleScene(task, seed, index), random(seed, task, index, "question"));
}
