import type { Random } from "../../base/random.js";
import {
  type Background,
  Canvas,
  type Colour,
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

/** "is this person feeling happy or sad?": one face. */
export interface FaceScene {
  readonly kind: "faces";
  readonly expression: Word<"expression">;
  readonly centre: Point;
  /** Half width and half height of the head. */
  readonly head: Point;
  /** Radians, clockwise. */
  readonly tilt: number;
  readonly skin: Colour;
  readonly hair: Colour;
  readonly cut: "bald" | "short" | "long";
  readonly iris: Colour;
  readonly glasses: boolean;
  readonly shirt: Colour;
  /** How far features leave their neutral place. */
  readonly strength: number;
  readonly background: Background;
}

export const faceAspects = ["expression"] as const;

const dark: Colour = [40, 28, 28];

export function sampleFaces(choose: Random): FaceScene {
  const half = choose.between(14.5, 19);
  return {
    kind: "faces",
    expression: choose.pick(words.expression),
    centre: [choose.between(24, 40), choose.between(25, 37)],
    head: [half, half * choose.between(1.15, 1.3)],
    tilt: choose.between(-0.18, 0.18),
    skin: jitter(choose, choose.pick<Colour>([[245, 214, 188], [226, 178, 138], [190, 135, 95], [125, 82, 58]])), // biome-ignore format: a palette
    hair: jitter(choose, choose.pick<Colour>([[35, 28, 25], [110, 70, 40], [205, 170, 90], [165, 75, 40], [185, 185, 190]])), // biome-ignore format: a palette
    cut: choose.pick(["bald", "short", "short", "long"] as const),
    iris: choose.pick<Colour>([[70, 45, 30], [50, 85, 140], [60, 100, 65]]), // biome-ignore format: a palette
    glasses: choose.chance(0.3),
    shirt: [choose.between(30, 230), choose.between(30, 230), choose.between(30, 230)],
    strength: choose.between(0.85, 1.15),
    background: sampleBackground(choose),
  };
}

/** What an expression does to a face; lengths in units of half the head's width, y downwards. */
interface Features {
  /** Height of the brows over their neutral place, and how far their inner ends are raised over the outer. */
  readonly brow: readonly [raise: number, slant: number];
  /** Half height of the open eye. */
  readonly eye: number;
  readonly mouth: "line" | "grin" | "frown" | "round" | "stretched" | "teeth" | "tongue";
  readonly extra?: "tear" | "wrinkle" | "creases";
}

const features: Record<Word<"expression">, Features> = {
  angry: { brow: [-0.14, -0.34], eye: 0.13, mouth: "teeth", extra: "creases" },
  disgusted: { brow: [-0.1, -0.08], eye: 0.07, mouth: "tongue", extra: "wrinkle" },
  fearful: { brow: [0.16, 0.26], eye: 0.25, mouth: "stretched" },
  happy: { brow: [0.06, 0], eye: 0.12, mouth: "grin" },
  neutral: { brow: [0, 0], eye: 0.15, mouth: "line" },
  sad: { brow: [0.02, 0.32], eye: 0.1, mouth: "frown", extra: "tear" },
  surprised: { brow: [0.3, 0], eye: 0.26, mouth: "round" },
};

export function drawFaces(scene: FaceScene): Drawing {
  const canvas = new Canvas(scene.background);
  const [rx] = scene.head;
  const [cos, sin] = [Math.cos(scene.tilt), Math.sin(scene.tilt)];
  /** Places a point of the face, in units of half its width from its centre. */
  const at = (u: number, v: number): Point => [
    scene.centre[0] + rx * (u * cos - v * sin),
    scene.centre[1] + rx * (u * sin + v * cos),
  ];
  drawHead(canvas, scene, at);
  const { brow, eye, mouth, extra } = features[scene.expression];
  const [raise, slant] = [brow[0] * scene.strength, brow[1] * scene.strength];
  for (const side of [-1, 1]) {
    drawEye(canvas, scene, at, side, eye);
    const inner = at(side * 0.2, -0.5 - raise - slant / 2);
    const outer = at(side * 0.66, -0.5 - raise + slant / 2);
    canvas.fill(
      "face.brows",
      path([inner, at(side * 0.44, -0.54 - raise), outer], 0.075 * rx),
      shade(scene.hair, 0.55),
    );
    if (scene.glasses) {
      const [x, y] = at(side * 0.43, -0.2);
      const lens = ellipse(x, y, 0.31 * rx, 0.28 * rx);
      const ring = where(ellipse(x, y, 0.37 * rx, 0.34 * rx), (px, py) => !lens(px, py));
      canvas.fill("glasses", ring, dark);
    }
  }
  if (scene.glasses) canvas.fill("glasses", path([at(-0.1, -0.22), at(0.1, -0.22)], 0.04 * rx), dark);
  canvas.fill("face.nose", path([at(0, -0.05), at(0.09, 0.2), at(-0.04, 0.22)], 0.045 * rx), shade(scene.skin, 0.72));
  drawExtra(canvas, scene, at, extra);
  drawMouth(canvas, scene, at, mouth);
  return canvas.finish();
}

type At = (u: number, v: number) => Point;

function drawHead(canvas: Canvas, scene: FaceScene, at: At) {
  const [rx, ry] = scene.head;
  const oval = (u: number, v: number, ru: number, rv: number) => ellipse(...at(u, v), ru * rx, rv * rx);
  const long = ry / rx;
  canvas.fill("shirt", polygon([at(-1.3, 3), at(-1, 1.3), at(-0.35, 1.05), at(0.35, 1.05), at(1, 1.3), at(1.3, 3)]), scene.shirt); // biome-ignore format: six corners
  if (scene.cut === "long") canvas.fill("hair", oval(0, 0.1, 1.25, long * 1.12), scene.hair);
  if (scene.cut === "short") canvas.fill("hair", oval(0, -0.12, 1.1, long * 1.02), scene.hair);
  for (const side of [-1, 1]) canvas.fill("face", oval(side, 0, 0.16, 0.24), shade(scene.skin, 0.9));
  canvas.fill("face", oval(0, 0, 1, long), scene.skin);
  if (scene.cut !== "bald") {
    const [left, right] = [at(-1, -0.62), at(1, -0.62)];
    const brim = polygon([left, at(0, -0.82), right, at(1.2, -2), at(-1.2, -2)]);
    canvas.fill("hair", where(oval(0, -0.02, 1.04, long * 1.04), brim), scene.hair);
  }
}

function drawEye(canvas: Canvas, { head, iris }: FaceScene, at: At, side: number, open: number) {
  const r = head[0];
  const [x, y] = at(side * 0.43, -0.2);
  const white = ellipse(x, y, 0.24 * r, open * r);
  canvas.fill("face.eyes", ellipse(x, y, 0.28 * r, (open + 0.045) * r), dark);
  canvas.fill("face.eyes", white, [250, 250, 250]);
  canvas.fill("face.eyes", where(white, ellipse(x, y, 0.12 * r)), iris);
  canvas.fill("face.eyes", where(white, ellipse(x, y, 0.06 * r)), dark);
}

function drawExtra(canvas: Canvas, { head, skin }: FaceScene, at: At, extra: Features["extra"]) {
  const r = head[0];
  if (extra === "tear") {
    canvas.fill("face.tear", path([at(0.45, 0), at(0.47, 0.26)], 0.085 * r), [120, 190, 250]);
  } else if (extra === "wrinkle") {
    for (const v of [-0.12, 0, 0.12]) {
      canvas.fill("face.wrinkles", path([at(-0.13, v), at(0, v - 0.05), at(0.13, v)], 0.035 * r), shade(skin, 0.5));
    }
  } else if (extra === "creases") {
    for (const u of [-0.06, 0.06])
      canvas.fill("face.wrinkles", path([at(u, -0.62), at(u, -0.4)], 0.035 * r), shade(skin, 0.5));
  }
}

const lips: Colour = [165, 60, 62];
const cavity: Colour = [85, 20, 28];
const teeth: Colour = [250, 248, 240];

function drawMouth(canvas: Canvas, { head, strength, tilt, centre }: FaceScene, at: At, mouth: Features["mouth"]) {
  const r = head[0];
  const part = "face.mouth";
  const [x, y] = at(0, 0.6);
  /** Height over the line through the mouth, along the face. */
  const above = (px: number, py: number) =>
    (px - centre[0]) * -Math.sin(tilt) + (py - centre[1]) * Math.cos(tilt) - 0.6 * r;
  const curve = (depth: number) => [-0.4, -0.2, 0, 0.2, 0.4].map((u) => at(u, 0.6 + depth * (1 - (u / 0.4) ** 2)));
  const bend = 0.24 * strength;
  if (mouth === "line") canvas.fill(part, path([at(-0.32, 0.6), at(0.32, 0.6)], 0.065 * r), lips);
  else if (mouth === "frown")
    canvas.fill(part, path(curve(-bend).map(([px, py]) => [px, py + 0.1 * r]), 0.075 * r), lips); // biome-ignore format: one curve
  else if (mouth === "grin") {
    const [u, v] = at(0, 0.5);
    const bowl = where(ellipse(u, v, 0.52 * r, 0.42 * strength * r), (px, py) => above(px, py) > -0.1 * r);
    canvas.fill(part, bowl, cavity);
    canvas.fill(
      part,
      where(bowl, (px, py) => above(px, py) < 0.06 * r),
      teeth,
    );
  } else if (mouth === "round") {
    canvas.fill(part, ellipse(x, y + 0.06 * r, 0.2 * r, 0.29 * strength * r), lips);
    canvas.fill(part, ellipse(x, y + 0.06 * r, 0.14 * r, 0.22 * strength * r), cavity);
  } else if (mouth === "stretched") {
    const open = 0.15 * strength;
    canvas.fill(part, polygon([at(-0.3, 0.6 - open), at(0.3, 0.6 - open), at(0.52, 0.64 + open), at(-0.52, 0.64 + open)]), lips); // biome-ignore format: four corners
    canvas.fill(part, polygon([at(-0.26, 0.65 - open), at(0.26, 0.65 - open), at(0.42, 0.6 + open), at(-0.42, 0.6 + open)]), cavity); // biome-ignore format: four corners
  } else if (mouth === "teeth") {
    canvas.fill(part, polygon([at(-0.36, 0.48), at(0.36, 0.48), at(0.42, 0.78), at(-0.42, 0.78)]), cavity);
    canvas.fill(part, polygon([at(-0.31, 0.53), at(0.31, 0.53), at(0.36, 0.73), at(-0.36, 0.73)]), teeth);
    for (const u of [-0.18, 0, 0.18]) canvas.fill(part, path([at(u, 0.53), at(u, 0.73)], 0.03 * r), cavity);
    canvas.fill(part, path([at(-0.36, 0.63), at(0.36, 0.63)], 0.03 * r), cavity);
  } else {
    canvas.fill(part, path([at(-0.4, 0.66), at(-0.15, 0.52), at(0.15, 0.6), at(0.4, 0.5)], 0.08 * r), cavity);
    canvas.fill(part, path([at(0.1, 0.66), at(0.12, 0.82)], 0.14 * r), [235, 110, 125]);
  }
}
