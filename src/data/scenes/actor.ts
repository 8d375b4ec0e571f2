import { box, type Canvas, type Colour, capsule, ellipse, type Point, polygon, shade, where } from "./canvas.js";
import type { Word } from "./vocabulary.js";

/** Who does something, and what chance gave them. */
export interface Actor {
  readonly subject: Word<"subject">;
  readonly verb: Word<"verb">;
  readonly skin: Colour;
  readonly hair: Colour;
  readonly clothes: Colour;
  readonly trousers: Colour;
  /** Of a boy's cap. */
  readonly paint: Colour;
  readonly swing: number;
}

type Pose = { arms: "up" | "forward" | "back" | "down"; legs: "stand" | "stride" | "ride" };

const poses: Record<Word<"verb">, Pose> = {
  carrying: { arms: "up", legs: "stand" },
  riding: { arms: "down", legs: "ride" },
  pulling: { arms: "back", legs: "stride" },
  pushing: { arms: "forward", legs: "stand" },
  chasing: { arms: "down", legs: "stride" },
};

export const heights: Record<Word<"subject">, number> = { man: 33, woman: 32, boy: 26, girl: 26, robot: 30 };

const dark: Colour = [35, 32, 38];
const metal: Colour = [165, 175, 185];

/** Where the parts of a body are. */
interface Build {
  readonly x: number;
  /** Of the feet. */
  readonly y: number;
  readonly height: number;
  /** Half its height. */
  readonly head: number;
  readonly neck: number;
  readonly hip: number;
}

/** An actor in profile facing right, its feet at `at`. */
export function drawActor(canvas: Canvas, actor: Actor, [x, y]: Point, height: number) {
  const child = actor.subject === "boy" || actor.subject === "girl";
  const head = (child ? 0.19 : 0.15) * height;
  const build = { x, y, height, head, neck: y - height + 2 * head, hip: y - 0.38 * height };
  drawLegs(canvas, actor, build);
  drawBody(canvas, actor, build);
  drawArms(canvas, actor, build);
  drawHead(canvas, actor, [x, build.neck - head], head);
}

const wearsSkirt = ({ subject }: Actor) => subject === "woman" || subject === "girl";

function drawLegs(canvas: Canvas, actor: Actor, { x, y, height, hip }: Build) {
  const { legs } = poses[actor.verb];
  const machine = actor.subject === "robot";
  const limb = machine ? 1.3 : 1.1;
  const stride = (legs === "stride" ? 0.2 : 0.07) * height * actor.swing;
  const feet: Point[] = legs === "ride" ? [[x + 0.1 * height, hip + 0.3 * height]] : [[x - stride, y], [x + stride, y]]; // biome-ignore format: two feet
  for (const foot of feet) {
    const bare = wearsSkirt(actor) || actor.subject === "boy";
    const leg = machine ? shade(metal, 0.7) : bare ? actor.skin : actor.trousers;
    canvas.fill("subject.legs", capsule([x, hip], foot, limb), leg);
    canvas.fill("subject.legs", capsule(foot, [foot[0] + 1.5, foot[1]], 1), dark);
  }
}

function drawBody(canvas: Canvas, actor: Actor, { x, height, neck, hip }: Build) {
  const wide = 0.11 * height;
  if (actor.subject === "robot") {
    canvas.fill("subject.body", box(x - 1.5 * wide, neck, x + 1.5 * wide, hip + 1), metal);
    canvas.fill("subject.body", box(x - 0.7 * wide, neck + 2, x + 0.8 * wide, neck + 5), [70, 220, 220]);
  } else if (wearsSkirt(actor)) {
    const hem = hip + 0.17 * height;
    canvas.fill("subject.body", polygon([[x - 0.6 * wide, neck], [x + 0.6 * wide, neck], [x + 2 * wide, hem], [x - 2 * wide, hem]]), actor.clothes); // biome-ignore format: four corners
  } else {
    canvas.fill("subject.body", box(x - wide, neck, x + wide, hip + 1), actor.clothes);
    if (actor.subject === "boy")
      canvas.fill("subject.legs", box(x - wide, hip, x + wide, hip + 0.12 * height), actor.trousers);
  }
}

function drawArms(canvas: Canvas, actor: Actor, { x, y, height, head, neck }: Build) {
  const { arms } = poses[actor.verb];
  const shoulder: Point = [x, neck + 0.07 * height];
  const reach: Record<Pose["arms"], Point> = {
    up: [x + 2.2, neck - 2 * head - 1],
    forward: [x + 0.34 * height, shoulder[1] + 2],
    back: [x - 0.2 * height, y - 0.5 * height],
    down: [x + 0.14 * height, shoulder[1] + 0.2 * height * actor.swing],
  };
  const hand = reach[arms];
  const arm = actor.subject === "robot" ? shade(metal, 0.8) : actor.skin;
  canvas.fill("subject.arms", capsule(shoulder, hand, 0.9), arm);
  if (arms === "up") canvas.fill("subject.arms", capsule(shoulder, [x - 2.2, hand[1]], 0.9), arm);
}

function drawHead(canvas: Canvas, actor: Actor, [x, y]: Point, r: number) {
  const { subject, hair } = actor;
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
  canvas.fill("subject.head", ellipse(x, y, r), actor.skin);
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
      actor.paint,
    );
    canvas.fill("subject.hat", box(x, y - 0.6 * r, x + 1.9 * r, y - 0.25 * r), actor.paint);
  }
}
