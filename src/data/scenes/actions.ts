import type { Random } from "../../random.js";
import {
  type Background,
  box,
  Canvas,
  type Colour,
  capsule,
  type Drawing,
  ellipse,
  jitter,
  type Point,
  path,
  polygon,
  sampleBackground,
  shade,
  where,
} from "./canvas.js";
import { type Word, words } from "./vocabulary.js";

/** "is woman carrying or riding dog?": a figure does something with an object. */
export interface ActionScene {
  readonly kind: "actions";
  readonly subject: Word<"subject">;
  readonly verb: Word<"verb">;
  readonly object: Word<"object">;
  /** Facing left: the whole layout is reflected. */
  readonly mirrored: boolean;
  /** Moves figure and object together, and the distance between them. */
  readonly shift: Point;
  readonly spread: number;
  readonly skin: Colour;
  readonly hair: Colour;
  readonly clothes: Colour;
  readonly trousers: Colour;
  readonly fur: Colour;
  readonly paint: Colour;
  /** Factor on the figure's height. */
  readonly height: number;
  readonly swing: number;
  readonly background: Background;
}

export const actionAspects = ["subject", "verb", "object"] as const;

const dark: Colour = [35, 32, 38];
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

type Pose = { arms: "up" | "forward" | "back" | "down"; legs: "stand" | "stride" | "ride" };

const poses: Record<Word<"verb">, Pose> = {
  carrying: { arms: "up", legs: "stand" },
  riding: { arms: "down", legs: "ride" },
  pulling: { arms: "back", legs: "stride" },
  pushing: { arms: "forward", legs: "stand" },
  chasing: { arms: "down", legs: "stride" },
};

const heights: Record<Word<"subject">, number> = { man: 33, woman: 32, boy: 26, girl: 26, robot: 30 };

/** Half width and height of each object. */
const extents: Record<Word<"object">, Point> = {
  dog: [8.5, 11],
  horse: [10.5, 17],
  ball: [6, 12],
  box: [6.5, 12],
  car: [10.5, 11],
};

export function drawActions(scene: ActionScene): Drawing {
  const canvas = new Canvas(scene.background, scene.mirrored);
  const height = heights[scene.subject] * scene.height;
  const [half, tall] = extents[scene.object];
  const ground = 57 + scene.shift[1];
  const middle = 32 + scene.shift[0];
  const gap = 3 + scene.spread;
  if (scene.verb === "carrying") {
    drawFigure(canvas, scene, [middle, ground], height);
    drawObject(canvas, scene, [middle, ground - height - 1], 0.95);
  } else if (scene.verb === "riding") {
    drawObject(canvas, scene, [middle, ground], 1.15);
    drawFigure(canvas, scene, [middle, ground - 1.15 * tall + height * 0.28], height);
  } else if (scene.verb === "pulling") {
    const [figure, object] = [middle + 13, middle - 15 - scene.spread];
    const hand: Point = [figure - height * 0.2, ground - height * 0.5];
    canvas.fill("verb.rope", path([hand, [(hand[0] + object + half) / 2, ground - 5], [object + half - 2, ground - tall * 0.5]], 0.7), [250, 245, 225]); // biome-ignore format: one path
    drawObject(canvas, scene, [object, ground], 1);
    drawFigure(canvas, scene, [figure, ground], height);
  } else if (scene.verb === "pushing") {
    const figure = middle - 10;
    drawObject(canvas, scene, [figure + height * 0.34 + half - 1, ground], 1);
    drawFigure(canvas, scene, [figure, ground], height);
  } else {
    const [figure, object] = [middle - 11 - gap / 2, middle + 13 + gap / 2];
    drawObject(canvas, scene, [object, ground], 1);
    drawFigure(canvas, scene, [figure, ground], height);
    for (const up of [0.3, 0.5, 0.7]) {
      const y = ground - up * height;
      canvas.fill("verb.speed", capsule([figure - 13, y], [figure - 7.5, y], 0.6), [250, 250, 250]);
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

/** A figure in profile facing right, its feet at `at`. */
function drawFigure(canvas: Canvas, scene: ActionScene, [x, y]: Point, height: number) {
  const { subject, verb } = scene;
  const metal: Colour = [165, 175, 185];
  const machine = subject === "robot";
  const skirt = subject === "woman" || subject === "girl";
  const child = subject === "boy" || subject === "girl";
  const head = (child ? 0.19 : 0.15) * height;
  const neck = y - height + 2 * head;
  const hip = y - 0.38 * height;
  const limb = machine ? 1.3 : 1.1;
  const pose = poses[verb];

  const stride = (pose.legs === "stride" ? 0.2 : 0.07) * height * scene.swing;
  const feet: Point[] = pose.legs === "ride" ? [[x + 0.1 * height, hip + 0.3 * height]] : [[x - stride, y], [x + stride, y]]; // biome-ignore format: two feet
  for (const foot of feet) {
    const leg = machine ? shade(metal, 0.7) : skirt || subject === "boy" ? scene.skin : scene.trousers;
    canvas.fill("subject.legs", capsule([x, hip], foot, limb), leg);
    canvas.fill("subject.legs", capsule(foot, [foot[0] + 1.5, foot[1]], 1), dark);
  }

  const shoulder: Point = [x, neck + 0.07 * height];
  const wide = 0.11 * height;
  if (machine) {
    canvas.fill("subject.body", box(x - 1.5 * wide, neck, x + 1.5 * wide, hip + 1), metal);
    canvas.fill("subject.body", box(x - 0.7 * wide, neck + 2, x + 0.8 * wide, neck + 5), [70, 220, 220]);
  } else if (skirt) {
    const hem = hip + 0.17 * height;
    canvas.fill("subject.body", polygon([[x - 0.6 * wide, neck], [x + 0.6 * wide, neck], [x + 2 * wide, hem], [x - 2 * wide, hem]]), scene.clothes); // biome-ignore format: four corners
  } else {
    canvas.fill("subject.body", box(x - wide, neck, x + wide, hip + 1), scene.clothes);
    if (subject === "boy")
      canvas.fill("subject.legs", box(x - wide, hip, x + wide, hip + 0.12 * height), scene.trousers);
  }

  const reach: Record<Pose["arms"], Point> = {
    up: [x + 2.2, neck - 2 * head - 1],
    forward: [x + 0.34 * height, shoulder[1] + 2],
    back: [x - 0.2 * height, y - 0.5 * height],
    down: [x + 0.14 * height, shoulder[1] + 0.2 * height * scene.swing],
  };
  const hand = reach[pose.arms];
  const arm = machine ? shade(metal, 0.8) : scene.skin;
  canvas.fill("subject.arms", capsule(shoulder, hand, 0.9), arm);
  if (pose.arms === "up") canvas.fill("subject.arms", capsule(shoulder, [x - 2.2, hand[1]], 0.9), arm);
  drawHead(canvas, scene, [x, neck - head], head);
}

function drawHead(canvas: Canvas, scene: ActionScene, [x, y]: Point, r: number) {
  const { subject, hair } = scene;
  if (subject === "robot") {
    canvas.fill("subject.head", box(x - r, y - 0.8 * r, x + r, y + 0.9 * r), [190, 198, 206]);
    canvas.fill("subject.head", capsule([x, y - 0.8 * r], [x, y - 1.6 * r], 0.5), dark);
    canvas.fill("subject.head", ellipse(x, y - 1.6 * r, 1.2), [230, 60, 60]);
    canvas.fill("subject.head", box(x - 0.1 * r, y - 0.3 * r, x + 0.8 * r, y + 0.2 * r), dark);
    return;
  }
  if (subject === "woman") canvas.fill("subject.hair", box(x - 1.25 * r, y - 0.3 * r, x + 0.1 * r, y + 2.6 * r), hair);
  if (subject === "girl") {
    canvas.fill("subject.hair", ellipse(x - 1.5 * r, y - 0.2 * r, 0.65 * r), hair);
    canvas.fill("subject.hair", ellipse(x + 1.3 * r, y - 0.6 * r, 0.6 * r), hair);
  }
  canvas.fill("subject.head", ellipse(x, y, r), scene.skin);
  canvas.fill(
    "subject.hair",
    where(ellipse(x, y, 1.05 * r), (px, py) => py < y - 0.35 * r + 0.5 * (px - x)),
    hair,
  );
  canvas.fill("subject.head", ellipse(x + 0.5 * r, y, 0.5), dark);
  if (subject === "man") {
    canvas.fill("subject.hat", box(x - 0.85 * r, y - 1.9 * r, x + 0.85 * r, y - 0.6 * r), dark);
    canvas.fill("subject.hat", box(x - 1.5 * r, y - 0.75 * r, x + 1.5 * r, y - 0.4 * r), dark);
  } else if (subject === "boy") {
    canvas.fill(
      "subject.hat",
      where(ellipse(x, y - 0.2 * r, 1.1 * r), (_, py) => py < y - 0.3 * r),
      scene.paint,
    );
    canvas.fill("subject.hat", box(x, y - 0.6 * r, x + 1.9 * r, y - 0.25 * r), scene.paint);
  }
}

/** An object facing right, standing on `at`. */
function drawObject(canvas: Canvas, { object, fur, paint }: ActionScene, [x, y]: Point, scale: number) {
  const at = (dx: number, dy: number): Point => [x + dx * scale, y - dy * scale];
  const round = (part: string, dx: number, dy: number, rx: number, ry: number, colour: Colour) =>
    canvas.fill(`object.${part}`, ellipse(...at(dx, dy), rx * scale, ry * scale), colour);
  const bar = (part: string, from: Point, to: Point, radius: number, colour: Colour) =>
    canvas.fill(`object.${part}`, capsule(at(...from), at(...to), radius * scale), colour);
  const area = (part: string, points: Point[], colour: Colour) =>
    canvas.fill(`object.${part}`, polygon(points.map((point) => at(...point))), colour);
  if (object === "dog") {
    for (const leg of [-5, -3.4, 2.6, 4.2]) bar("legs", [leg, 5], [leg, 0.8], 0.9, shade(fur, 0.8));
    bar("tail", [-5.5, 6.5], [-8, 10], 0.8, fur);
    round("body", -0.5, 6, 6, 2.7, fur);
    round("head", 6, 8.8, 2.9, 2.5, fur);
    bar("head", [7.5, 8.2], [9.2, 7.9], 1.1, fur);
    round("head", 4.6, 8.2, 1.1, 2.2, shade(fur, 0.5));
    round("head", 9.9, 8.2, 0.7, 0.7, dark);
  } else if (object === "horse") {
    for (const leg of [-6, -4.2, 3.4, 5.2]) bar("legs", [leg, 8], [leg, 0.8], 0.9, shade(fur, 0.8));
    bar("tail", [-7, 9.5], [-9.3, 4], 1, shade(fur, 0.4));
    round("body", -0.5, 9.2, 7.2, 3.3, fur);
    area("neck", [[3, 9], [6.8, 9], [9, 16], [6, 17]], fur); // biome-ignore format: four corners
    bar("neck", [3.2, 11.5], [6.2, 17.2], 0.9, shade(fur, 0.4));
    bar("head", [7.5, 15.8], [11, 13.3], 1.6, fur);
    round("head", 8.3, 16, 0.5, 0.5, dark);
  } else if (object === "ball") {
    round("body", 0, 6, 6, 6, dark);
    round("body", 0, 6, 5.3, 5.3, paint);
    const band = (px: number, py: number) => Math.abs((px - x) / scale + 0.5 * ((y - py) / scale - 6)) < 1.3;
    canvas.fill("object.seam", where(ellipse(...at(0, 6), 5.3 * scale), band), [245, 245, 240]);
  } else if (object === "box") {
    area("body", [[-6.5, 0], [6.5, 0], [6.5, 12], [-6.5, 12]], [95, 65, 40]); // biome-ignore format: four corners
    area("body", [[-5.6, 0.9], [5.6, 0.9], [5.6, 11.1], [-5.6, 11.1]], [190, 145, 95]); // biome-ignore format: four corners
    bar("tape", [-5.4, 1.2], [5.4, 10.8], 0.7, [95, 65, 40]);
    bar("tape", [-5.4, 10.8], [5.4, 1.2], 0.7, [95, 65, 40]);
  } else {
    area("cabin", [[-6.5, 6], [-4, 11], [3.5, 11], [6.5, 6]], paint); // biome-ignore format: four corners
    area("window", [[-4.8, 6.6], [-3, 10], [2.8, 10], [4.8, 6.6]], [190, 225, 240]); // biome-ignore format: four corners
    area("body", [[-10.5, 2], [10.5, 2], [10.2, 6], [6.5, 7], [-10.2, 7]], paint); // biome-ignore format: five corners
    for (const wheel of [-6, 6]) {
      round("wheels", wheel, 2.5, 2.6, 2.6, dark);
      round("wheels", wheel, 2.5, 1.1, 1.1, [190, 190, 195]);
    }
  }
}
