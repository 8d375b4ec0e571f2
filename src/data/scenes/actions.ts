import type { Random } from "../../base/random.js";
import { type Actor, drawActor, heights } from "./actor.js";
import {
  type Background,
  Canvas,
  type Colour,
  capsule,
  type Drawing,
  jitter,
  type Point,
  path,
  sampleBackground,
} from "./canvas.js";
import { type Coat, drawObject, extents } from "./object.js";
import { type Word, words } from "./vocabulary.js";

/** "is woman carrying or riding dog?": somebody does something with an object. */
export interface ActionScene extends Actor, Coat {
  readonly kind: "actions";
  readonly object: Word<"object">;
  /** Facing left: the whole layout is reflected. */
  readonly mirrored: boolean;
  /** Moves actor and object together, and the distance between them. */
  readonly shift: Point;
  readonly spread: number;
  /** Factor on the actor's height. */
  readonly height: number;
  readonly background: Background;
}

export const actionAspects = ["subject", "verb", "object"] as const;

const bright: readonly Colour[] = [
  [215, 60, 55],
  [235, 165, 40],
  [60, 160, 80],
  [60, 100, 210],
  [150, 80, 180],
  [235, 225, 215],
  [225, 120, 160],
];

export function sampleActions(choose: Random): ActionScene {
  return {
    kind: "actions",
    subject: choose.pick(words.subject),
    verb: choose.pick(words.verb),
    object: choose.pick(words.object),
    mirrored: choose.chance(0.5),
    shift: [choose.between(-4.5, 4.5), choose.between(-2.5, 3)],
    spread: choose.between(-1.5, 2),
    skin: jitter(choose, choose.pick<Colour>([[240, 205, 175], [205, 150, 110], [130, 85, 60]])), // biome-ignore format: a palette
    hair: jitter(choose, choose.pick<Colour>([[45, 35, 30], [120, 75, 40], [215, 180, 90]])), // biome-ignore format: a palette
    clothes: jitter(choose, choose.pick(bright)),
    trousers: jitter(choose, choose.pick<Colour>([[50, 60, 100], [70, 60, 50], [60, 90, 75]])), // biome-ignore format: a palette
    fur: jitter(choose, choose.pick<Colour>([[130, 85, 50], [85, 60, 45], [200, 165, 115], [225, 220, 210]])), // biome-ignore format: a palette
    paint: jitter(choose, choose.pick(bright)),
    height: choose.between(0.93, 1.05),
    swing: choose.between(0.7, 1.1),
    background: sampleBackground(choose),
  };
}

export function drawActions(scene: ActionScene): Drawing {
  const canvas = new Canvas(scene.background, scene.mirrored);
  const height = heights[scene.subject] * scene.height;
  const [half, tall] = extents[scene.object];
  const ground = 57 + scene.shift[1];
  const middle = 32 + scene.shift[0];
  const gap = 3 + scene.spread;
  if (scene.verb === "carrying") {
    drawActor(canvas, scene, [middle, ground], height);
    drawObject(canvas, scene.object, scene, [middle, ground - height - 1], 0.95);
  } else if (scene.verb === "riding") {
    drawObject(canvas, scene.object, scene, [middle, ground], 1.15);
    drawActor(canvas, scene, [middle, ground - 1.15 * tall + height * 0.28], height);
  } else if (scene.verb === "pulling") {
    const [actor, object] = [middle + 13, middle - 15 - scene.spread];
    const hand: Point = [actor - height * 0.2, ground - height * 0.5];
    canvas.fill("verb.rope", path([hand, [(hand[0] + object + half) / 2, ground - 5], [object + half - 2, ground - tall * 0.5]], 0.7), [250, 245, 225]); // biome-ignore format: one path
    drawObject(canvas, scene.object, scene, [object, ground], 1);
    drawActor(canvas, scene, [actor, ground], height);
  } else if (scene.verb === "pushing") {
    const actor = middle - 10;
    drawObject(canvas, scene.object, scene, [actor + height * 0.34 + half - 1, ground], 1);
    drawActor(canvas, scene, [actor, ground], height);
  } else {
    const [actor, object] = [middle - 11 - gap / 2, middle + 13 + gap / 2];
    drawObject(canvas, scene.object, scene, [object, ground], 1);
    drawActor(canvas, scene, [actor, ground], height);
    for (const up of [0.3, 0.5, 0.7]) {
      const y = ground - up * height;
      canvas.fill("verb.speed", capsule([actor - 13, y], [actor - 7.5, y], 0.6), [250, 250, 250]);
      const beside = ground - up * tall;
      canvas.fill(
        "verb.speed",
        capsule([object - half - 5, beside], [object - half - 1.5, beside], 0.6),
        [250, 250, 250],
      );
    }
  }
  return canvas.finish();
}
