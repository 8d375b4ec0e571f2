import type { Random } from "../../base/random.js";
import {
  type Background,
  bounded,
  Canvas,
  type Colour,
  type Drawing,
  ellipse,
  jitter,
  type Point,
  polygon,
  type Region,
  sampleBackground,
  shade,
} from "./canvas.js";
import { type Word, words } from "./vocabulary.js";

/** One shape of an attribute scene, with the choices it would need in every other state. */
export interface Shape {
  readonly noun: Word<"noun">;
  readonly colour: Word<"colour">;
  readonly texture: Word<"texture">;
  readonly size: Word<"size">;
  readonly form: Word<"form">;
  readonly centre: Point;
  readonly radii: { readonly big: number; readonly small: number };
  readonly turn: number;
  readonly tint: readonly [number, number, number];
  /** Direction, period and phase of stripes, dots and checks. */
  readonly weave: { readonly angle: number; readonly period: number; readonly phase: Point };
  /** Direction of the crack, and how far the halves slide along it. */
  readonly crack: { readonly angle: number; readonly slip: number };
}

/** "is this star red or blue?": the first shape is asked about, a second one of another noun distracts. */
export interface AttributeScene {
  readonly kind: "attributes";
  readonly shapes: readonly Shape[];
  readonly background: Background;
}

export const attributeAspects = ["colour", "texture", "size", "form"] as const;

const colours: Record<Word<"colour">, Colour> = {
  red: [215, 35, 40],
  orange: [242, 140, 25],
  yellow: [246, 226, 50],
  green: [45, 165, 65],
  blue: [40, 85, 215],
  purple: [140, 55, 175],
  white: [246, 246, 246],
  black: [22, 22, 26],
};
const outline: Colour = [30, 28, 32];

export function sampleAttributes(choose: Random): AttributeScene {
  const alone = choose.chance(0.3); // without a distractor
  const shapes: Shape[] = [];
  while (shapes.length < (alone ? 1 : 2)) {
    const shape = sampleShape(choose);
    const apart = shapes.every(
      (other) =>
        other.noun !== shape.noun &&
        Math.hypot(other.centre[0] - shape.centre[0], other.centre[1] - shape.centre[1]) >
          1.08 * (other.radii.big + shape.radii.big),
    );
    if (apart) shapes.push(shape);
    else if (choose.chance(0.02)) shapes.length = 0; // the first lies where no second fits
  }
  return { kind: "attributes", shapes, background: sampleBackground(choose) };
}

function sampleShape(choose: Random): Shape {
  const big = choose.between(13.5, 15);
  const margin = 1.1 * big;
  return {
    noun: choose.pick(words.noun),
    colour: choose.pick(words.colour),
    texture: choose.pick(words.texture),
    size: choose.pick(words.size),
    form: choose.pick(words.form),
    centre: [choose.between(margin, 64 - margin), choose.between(margin, 64 - margin)],
    radii: { big, small: choose.between(8.8, 9.8) },
    turn: choose.between(-0.1, 0.1),
    tint: jitter(choose, [0, 0, 0]),
    weave: {
      angle: choose.between(-0.12, 0.12),
      period: choose.between(4.6, 5.2),
      phase: [choose.between(0, 5), choose.between(0, 5)],
    },
    crack: { angle: choose.between(0, 2 * Math.PI), slip: choose.between(0.02, 0.12) * (choose.chance(0.5) ? 1 : -1) },
  };
}

export function drawAttributes({ shapes, background }: AttributeScene): Drawing {
  const canvas = new Canvas(background);
  for (const shape of shapes) {
    const whole = outlineOf(shape);
    const fill = fillOf(shape);
    const edge = 0.8;
    const within = (x: number, y: number) =>
      whole(x - edge, y) && whole(x + edge, y) && whole(x, y - edge) && whole(x, y + edge);
    canvas.fill(shape.noun, whole, (x, y) => (within(x, y) ? fill(x, y) : outline));
  }
  return canvas.finish();
}

/** The shape where it stands, whole or as two halves slid apart along a jagged crack. */
function outlineOf({ noun, centre, radii, size, form, turn, crack }: Shape): Region {
  const radius = radii[size];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const unit = silhouettes[noun];
  const placed: Region = (x, y) => unit((x * cos + y * sin) / radius, (y * cos - x * sin) / radius);
  const reach = 1.4 * radius;
  const bounds = [centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach] as const;
  if (form === "whole") return bounded((x, y) => placed(x - centre[0], y - centre[1]), bounds);
  const gap = Math.max(1.5, 0.13 * radius);
  const slip = crack.slip * radius;
  const [nx, ny] = [Math.cos(crack.angle), Math.sin(crack.angle)];
  return bounded((px, py) => {
    const x = px - centre[0];
    const y = py - centre[1];
    const across = x * nx + y * ny;
    const along = y * nx - x * ny;
    const jag = 0.13 * radius * (4 * Math.abs(((along / (0.9 * radius) + 100) % 1) - 0.5) - 1);
    const side = Math.sign(across - jag);
    if (Math.abs(across - jag) < gap) return false;
    const u = across - side * gap;
    const v = along - (side * slip) / 2;
    return placed(u * nx - v * ny, u * ny + v * nx);
  }, bounds);
}

/** The colour at each point: plain, or woven with a darker one (a lighter one into black). */
function fillOf({ colour, tint, texture, weave }: Shape): (x: number, y: number) => Colour {
  const tinted = (i: 0 | 1 | 2) => colours[colour][i] + tint[i];
  const base: Colour = [tinted(0), tinted(1), tinted(2)];
  const other: Colour = colour === "black" ? [150, 150, 155] : shade(base, colour === "white" ? 0.55 : 0.38);
  const [cos, sin] = [Math.cos(weave.angle), Math.sin(weave.angle)];
  const { period } = weave;
  return (x, y) => {
    if (texture === "plain") return base;
    const u = x * cos + y * sin + weave.phase[0] + 100 * period;
    const v = y * cos - x * sin + weave.phase[1] + 100 * period;
    if (texture === "striped") return u % period < 0.42 * period ? other : base;
    if (texture === "dotted") {
      return ((u % period) - period / 2) ** 2 + ((v % period) - period / 2) ** 2 < (0.29 * period) ** 2 ? other : base;
    }
    const cell = 0.7 * period;
    return (Math.floor(u / cell) + Math.floor(v / cell)) % 2 === 0 ? other : base;
  };
}

const spikes = Array.from({ length: 10 }, (_, i): Point => {
  const radius = i % 2 === 0 ? 1.08 : 0.46;
  return [radius * Math.sin((i * Math.PI) / 5), -radius * Math.cos((i * Math.PI) / 5)];
});

/** In units of the radius, y downwards. */
const silhouettes: Record<Word<"noun">, Region> = {
  star: polygon(spikes),
  circle: ellipse(0, 0, 0.95),
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.82,
  triangle: polygon([
    [0, -1.05],
    [1.05, 0.8],
    [-1.05, 0.8],
  ]),
  heart: (x, y) => {
    const u = 1.15 * x;
    const v = 0.15 - 1.15 * y;
    const w = u * u + v * v - 1;
    return w * w * w < u * u * v * v * v;
  },
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.34 && Math.max(Math.abs(x), Math.abs(y)) < 0.98,
};
