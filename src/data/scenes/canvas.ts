import { type Random, random } from "../../base/random.js";
import type { Picture } from "../../pictures/picture.js";

/** Side of a scene's picture in pixels. */
export const size = 64;
/** A pixel is the average of two by two samples. */
const samples = 2;
const fine = size * samples;

export type Colour = readonly [red: number, green: number, blue: number];
/** Whether a point, in pixels from the top left, lies inside; nothing outside `bounds` does. */
export interface Region {
  (x: number, y: number): boolean;
  readonly bounds?: Bounds;
}
type Bounds = readonly [left: number, top: number, right: number, bottom: number];
const everything: Bounds = [0, 0, size, size];
type Paint = Colour | ((x: number, y: number) => Colour);

/** What lies behind a scene, and how its camera sees it. */
export interface Background {
  readonly from: Colour;
  readonly to: Colour;
  /** Direction of the gradient, radians. */
  readonly angle: number;
  readonly lines: readonly { from: Point; to: Point; colour: Colour }[];
  /** Factor on every value. */
  readonly brightness: number;
  /** Largest noise of one value, of 255. */
  readonly noise: number;
  readonly noiseSeed: number;
}
export type Point = readonly [x: number, y: number];

/** A picture and where everything on it is. */
export interface Drawing {
  readonly picture: Picture;
  /**
   * By name, 255 where a pixel shows some of it and 0 elsewhere: [size, size], rows from the top. `face.mouth` is a
   * part of
   * `face`; an object's mask covers all of its parts.
   */
  readonly masks: ReadonlyMap<string, Uint8Array>;
}

export function sampleBackground(choose: Random): Background {
  const muted = (): Colour => {
    const grey = choose.between(85, 205);
    return [grey + choose.between(-22, 22), grey + choose.between(-22, 22), grey + choose.between(-22, 22)];
  };
  const point = (): Point => [choose.between(0, size), choose.between(0, size)];
  return {
    from: muted(),
    to: muted(),
    angle: choose.between(0, 2 * Math.PI),
    lines: Array.from({ length: Math.floor(choose.between(0, 4)) }, () => ({
      from: point(),
      to: point(),
      colour: muted(),
    })),
    brightness: choose.between(0.85, 1.1),
    noise: choose.between(3, 12),
    noiseSeed: Math.floor(choose.between(0, 2 ** 31)),
  };
}

export function jitter(choose: Random, [red, green, blue]: Colour): Colour {
  const by = () => choose.between(-12, 12);
  return [red + by(), green + by(), blue + by()];
}

export const shade = (colour: Colour, by: number): Colour => [colour[0] * by, colour[1] * by, colour[2] * by];

/** Paints regions one over the other and remembers which part each sample shows. */
export class Canvas {
  private readonly colours = new Float32Array(fine * fine * 3);
  /** Per sample the part on top: 0 the background, i + 1 `parts[i]`. */
  private readonly top = new Uint8Array(fine * fine);
  private readonly parts: string[] = [];

  /** `mirrored`: everything filled is reflected left to right, the background is not. */
  constructor(
    private readonly background: Background,
    private readonly mirrored = false,
  ) {
    const { from, to, angle } = background;
    const { colours } = this;
    const [dx, dy] = [Math.cos(angle) / size, Math.sin(angle) / size];
    const across = Float64Array.from({ length: fine }, (_, j) => (middle(j) - size / 2) * dx);
    for (let i = 0, at = 0; i < fine; i++) {
      const down = (middle(i) - size / 2) * dy;
      for (let j = 0; j < fine; j++, at += 3) {
        const t = 0.5 + (across[j]! + down) / Math.SQRT2;
        colours[at] = from[0] + t * (to[0] - from[0]);
        colours[at + 1] = from[1] + t * (to[1] - from[1]);
        colours[at + 2] = from[2] + t * (to[2] - from[2]);
      }
    }
    for (const line of background.lines) this.paint(0, capsule(line.from, line.to, 0.6), line.colour, false);
  }

  /** Paints a region; `part` is `object` or `object.part`. */
  fill(part: string, region: Region, paint: Paint) {
    let index = this.parts.indexOf(part);
    if (index < 0) index = this.parts.push(part) - 1;
    this.paint(index + 1, region, paint, this.mirrored);
  }

  private paint(part: number, region: Region, paint: Paint, mirrored: boolean) {
    const [left, top, right, bottom] = region.bounds ?? everything;
    const [i0, i1] = [firstSample(top), lastSample(bottom)];
    const [j0, j1] = [firstSample(mirrored ? size - right : left), lastSample(mirrored ? size - left : right)];
    for (let i = i0; i < i1; i++) {
      const y = middle(i);
      for (let j = j0; j < j1; j++) {
        const x = mirrored ? size - middle(j) : middle(j);
        if (!region(x, y)) continue;
        const at = i * fine + j;
        const colour = typeof paint === "function" ? paint(x, y) : paint;
        this.colours[3 * at] = colour[0];
        this.colours[3 * at + 1] = colour[1];
        this.colours[3 * at + 2] = colour[2];
        this.top[at] = part;
      }
    }
  }

  finish(): Drawing {
    const { brightness, noise, noiseSeed } = this.background;
    const grain = random(noiseSeed);
    const data = new Uint8Array(size * size * 3);
    const { colours } = this;
    const below = 3 * fine;
    for (let y = 0, to = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let c = 0; c < 3; c++, to++) {
          const at = 3 * samples * (y * fine + x) + c;
          const sum = colours[at]! + colours[at + 3]! + colours[at + below]! + colours[at + below + 3]!;
          const value = (sum / samples ** 2) * brightness + grain.between(-noise, noise);
          data[to] = Math.min(255, Math.max(0, Math.round(value)));
        }
      }
    }
    return { picture: { width: size, height: size, data }, masks: this.masks() };
  }

  private masks(): Map<string, Uint8Array> {
    const masks = new Map<string, Uint8Array>();
    const named = (name: string) => {
      const mask = masks.get(name) ?? new Uint8Array(size * size);
      masks.set(name, mask);
      return mask;
    };
    /** By `top`, the masks of the object and of the part. */
    const marked: (readonly [Uint8Array, Uint8Array])[] = [];
    for (let at = 0; at < this.top.length; at++) {
      const index = this.top[at]!;
      if (index === 0) continue;
      const part = this.parts[index - 1]!;
      marked[index] ??= [named(part.split(".")[0]!), named(part)];
      const pixel = Math.floor(at / fine / samples) * size + Math.floor((at % fine) / samples);
      marked[index][0][pixel] = 255;
      marked[index][1][pixel] = 255;
    }
    return masks;
  }
}

/** Where a sample's middle lies, along either axis. */
const middle = (index: number) => (index + 0.5) / samples;
/** The samples that may lie after `from` and before `to`, along either axis. */
const firstSample = (from: number) => Math.max(0, Math.floor(from * samples));
const lastSample = (to: number) => Math.min(fine, Math.ceil(to * samples));

/** A region with its bounds, which only save time. */
export const bounded = (inside: (x: number, y: number) => boolean, bounds: Bounds | undefined): Region =>
  Object.assign(inside, { bounds });

export const ellipse = (cx: number, cy: number, rx: number, ry = rx): Region =>
  bounded((x, y) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1, [cx - rx, cy - ry, cx + rx, cy + ry]);

export const box = (...bounds: Bounds): Region =>
  bounded((x, y) => x >= bounds[0] && x < bounds[2] && y >= bounds[1] && y < bounds[3], bounds);

/** A thick line with round ends. */
export const capsule = (from: Point, to: Point, radius: number): Region => path([from, to], radius);

/** A thick line through all points. */
export function path(points: readonly Point[], radius: number): Region {
  const [xs, ys] = axes(points);
  const within = (x: number, y: number) => {
    for (let i = 1; i < xs.length; i++) {
      const fromX = x - xs[i - 1]!;
      const fromY = y - ys[i - 1]!;
      const dx = xs[i]! - xs[i - 1]!;
      const dy = ys[i]! - ys[i - 1]!;
      const t = Math.min(1, Math.max(0, (fromX * dx + fromY * dy) / (dx * dx + dy * dy || 1)));
      if ((fromX - t * dx) ** 2 + (fromY - t * dy) ** 2 < radius * radius) return true;
    }
    return false;
  };
  const [left, top, right, bottom] = hull(points);
  return bounded(within, [left - radius, top - radius, right + radius, bottom + radius]);
}

/** Inside by the even-odd rule. */
export function polygon(points: readonly Point[]): Region {
  const [xs, ys] = axes(points);
  const within = (x: number, y: number) => {
    let inside = false;
    for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
      if (ys[i]! > y === ys[j]! > y) continue;
      if (x < ((xs[j]! - xs[i]!) * (y - ys[i]!)) / (ys[j]! - ys[i]!) + xs[i]!) inside = !inside;
    }
    return inside;
  };
  return bounded(within, hull(points));
}

function hull(points: readonly Point[]): Bounds {
  const [xs, ys] = axes(points);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

const axes = (points: readonly Point[]) => [points.map(([x]) => x), points.map(([, y]) => y)] as const;

/** The points of `region` where `also` holds. */
export const where = (region: Region, also: (x: number, y: number) => boolean): Region =>
  bounded((x, y) => region(x, y) && also(x, y), region.bounds);
