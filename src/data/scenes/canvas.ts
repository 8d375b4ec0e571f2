import type { Picture } from "../../model/picture.js";
import { type Random, random } from "../../random.js";

/** Side of a scene's picture in pixels. */
export const size = 64;
/** Drawn at this many samples a pixel and side, then averaged. */
const samples = 2;
const fine = size * samples;

export type Colour = readonly [red: number, green: number, blue: number];
/** Whether a point, in pixels from the top left, lies inside; nothing outside `bounds` does. */
export interface Region {
  (x: number, y: number): boolean;
  readonly bounds?: Bounds;
}
export type Bounds = readonly [left: number, top: number, right: number, bottom: number];
const everything: Bounds = [0, 0, size, size];
export type Paint = Colour | ((x: number, y: number) => Colour);

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
   * By name, 255 where a pixel shows some of it and 0 elsewhere: [size, size], rows from the top. `face.mouth` is a part of
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

export const jitter = (choose: Random, colour: Colour, by = 12): Colour =>
  colour.map((value) => value + choose.between(-by, by)) as unknown as Colour;

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
    const [dx, dy] = [Math.cos(angle) / size, Math.sin(angle) / size];
    this.each(everything, (at, x, y) => {
      const t = 0.5 + ((x - size / 2) * dx + (y - size / 2) * dy) / Math.SQRT2;
      for (let c = 0; c < 3; c++) this.colours[3 * at + c] = from[c]! + t * (to[c]! - from[c]!);
    });
    for (const line of background.lines) {
      const stroke = capsule(line.from, line.to, 0.6);
      this.each(stroke.bounds!, (at, x, y) => {
        if (stroke(x, y)) this.colours.set(line.colour, 3 * at);
      });
    }
  }

  /** Paints a region; `part` is `object` or `object.part`. */
  fill(part: string, region: Region, paint: Paint) {
    let index = this.parts.indexOf(part);
    if (index < 0) index = this.parts.push(part) - 1;
    const [left, top, right, bottom] = region.bounds ?? everything;
    this.each(this.mirrored ? [size - right, top, size - left, bottom] : [left, top, right, bottom], (at, x, y) => {
      const across = this.mirrored ? size - x : x;
      if (!region(across, y)) return;
      this.colours.set(typeof paint === "function" ? paint(across, y) : paint, 3 * at);
      this.top[at] = index + 1;
    });
  }

  finish(): Drawing {
    const { brightness, noise, noiseSeed } = this.background;
    const grain = random(noiseSeed);
    const data = new Uint8Array(size * size * 3);
    for (let y = 0, to = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let c = 0; c < 3; c++, to++) {
          let sum = 0;
          for (let i = 0; i < samples; i++) {
            for (let j = 0; j < samples; j++)
              sum += this.colours[3 * ((y * samples + i) * fine + x * samples + j) + c]!;
          }
          const value = (sum / samples ** 2) * brightness + grain.between(-noise, noise);
          data[to] = Math.min(255, Math.max(0, Math.round(value)));
        }
      }
    }
    return { picture: { width: size, height: size, data }, masks: this.masks() };
  }

  private masks(): Map<string, Uint8Array> {
    const masks = new Map<string, Uint8Array>();
    const mark = (name: string, pixel: number) => {
      if (!masks.has(name)) masks.set(name, new Uint8Array(size * size));
      masks.get(name)![pixel] = 255;
    };
    this.top.forEach((index, at) => {
      if (index === 0) return;
      const part = this.parts[index - 1]!;
      const pixel = Math.floor(at / fine / samples) * size + Math.floor((at % fine) / samples);
      mark(part.split(".")[0]!, pixel);
      mark(part, pixel);
    });
    return masks;
  }

  private each([left, top, right, bottom]: Bounds, visit: (at: number, x: number, y: number) => void) {
    const clamp = (value: number) => Math.min(fine, Math.max(0, value));
    const [i0, i1] = [clamp(Math.floor(top * samples)), clamp(Math.ceil(bottom * samples))];
    const [j0, j1] = [clamp(Math.floor(left * samples)), clamp(Math.ceil(right * samples))];
    for (let i = i0; i < i1; i++) {
      for (let j = j0; j < j1; j++) visit(i * fine + j, (j + 0.5) / samples, (i + 0.5) / samples);
    }
  }
}

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
  const within = (x: number, y: number) =>
    points.slice(1).some(([bx, by], i) => {
      const [ax, ay] = points[i]!;
      const [dx, dy] = [bx - ax, by - ay];
      const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      return (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2 < radius * radius;
    });
  const [left, top, right, bottom] = hull(points);
  return bounded(within, [left - radius, top - radius, right + radius, bottom + radius]);
}

/** Inside by the even-odd rule. */
export function polygon(points: readonly Point[]): Region {
  const within = (x: number, y: number) => {
    let inside = false;
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
      const [xi, yi] = points[i]!;
      const [xj, yj] = points[j]!;
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
    return inside;
  };
  return bounded(within, hull(points));
}

function hull(points: readonly Point[]): Bounds {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** The points of `region` where `also` holds. */
export const where = (region: Region, also: (x: number, y: number) => boolean): Region =>
  bounded((x, y) => region(x, y) && also(x, y), region.bounds);
