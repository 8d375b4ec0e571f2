import { type Canvas, type Colour, capsule, ellipse, type Point, polygon, shade, where } from "./canvas.js";
import type { Word } from "./vocabulary.js";

/** Colours of what something is done with. */
export interface Coat {
  readonly fur: Colour;
  readonly paint: Colour;
}

/** Half width and height of each object. */
export const extents: Record<Word<"object">, Point> = {
  dog: [8.5, 11],
  horse: [10.5, 17],
  ball: [6, 12],
  box: [6.5, 12],
  car: [10.5, 11],
};

const dark: Colour = [35, 32, 38];

/** An object facing right, standing on `at`. */
export function drawObject(canvas: Canvas, object: Word<"object">, coat: Coat, at: Point, scale: number) {
  drawings[object](brushes(canvas, at, scale), coat);
}

/** What paints a part of an object, in lengths of the object from where it stands, upwards. */
interface Brushes {
  /** Within it only where `inside` says so. */
  round(part: string, at: Point, radii: Point, colour: Colour, inside?: (dx: number, dy: number) => boolean): void;
  bar(part: string, from: Point, to: Point, radius: number, colour: Colour): void;
  area(part: string, corners: readonly Point[], colour: Colour): void;
}

function brushes(canvas: Canvas, [x, y]: Point, scale: number): Brushes {
  const at = ([dx, dy]: Point): Point => [x + dx * scale, y - dy * scale];
  return {
    round(part, centre, [rx, ry], colour, inside) {
      const oval = ellipse(...at(centre), rx * scale, ry * scale);
      const region = inside ? where(oval, (px, py) => inside((px - x) / scale, (y - py) / scale)) : oval;
      canvas.fill(`object.${part}`, region, colour);
    },
    bar: (part, from, to, radius, colour) =>
      canvas.fill(`object.${part}`, capsule(at(from), at(to), radius * scale), colour),
    area: (part, corners, colour) => canvas.fill(`object.${part}`, polygon(corners.map(at)), colour),
  };
}

const drawings: Record<Word<"object">, (brushes: Brushes, coat: Coat) => void> = {
  dog({ round, bar }, { fur }) {
    for (const leg of [-5, -3.4, 2.6, 4.2]) bar("legs", [leg, 5], [leg, 0.8], 0.9, shade(fur, 0.8));
    bar("tail", [-5.5, 6.5], [-8, 10], 0.8, fur);
    round("body", [-0.5, 6], [6, 2.7], fur);
    round("head", [6, 8.8], [2.9, 2.5], fur);
    bar("head", [7.5, 8.2], [9.2, 7.9], 1.1, fur);
    round("head", [4.6, 8.2], [1.1, 2.2], shade(fur, 0.5));
    round("head", [9.9, 8.2], [0.7, 0.7], dark);
  },
  horse({ round, bar, area }, { fur }) {
    for (const leg of [-6, -4.2, 3.4, 5.2]) bar("legs", [leg, 8], [leg, 0.8], 0.9, shade(fur, 0.8));
    bar("tail", [-7, 9.5], [-9.3, 4], 1, shade(fur, 0.4));
    round("body", [-0.5, 9.2], [7.2, 3.3], fur);
    area("neck", [[3, 9], [6.8, 9], [9, 16], [6, 17]], fur); // biome-ignore format: four corners
    bar("neck", [3.2, 11.5], [6.2, 17.2], 0.9, shade(fur, 0.4));
    bar("head", [7.5, 15.8], [11, 13.3], 1.6, fur);
    round("head", [8.3, 16], [0.5, 0.5], dark);
  },
  ball({ round }, { paint }) {
    round("body", [0, 6], [6, 6], dark);
    round("body", [0, 6], [5.3, 5.3], paint);
    round("seam", [0, 6], [5.3, 5.3], [245, 245, 240], (dx, dy) => Math.abs(dx + 0.5 * (dy - 6)) < 1.3);
  },
  box({ bar, area }) {
    area("body", [[-6.5, 0], [6.5, 0], [6.5, 12], [-6.5, 12]], [95, 65, 40]); // biome-ignore format: four corners
    area("body", [[-5.6, 0.9], [5.6, 0.9], [5.6, 11.1], [-5.6, 11.1]], [190, 145, 95]); // biome-ignore format: four corners
    bar("tape", [-5.4, 1.2], [5.4, 10.8], 0.7, [95, 65, 40]);
    bar("tape", [-5.4, 10.8], [5.4, 1.2], 0.7, [95, 65, 40]);
  },
  car({ round, area }, { paint }) {
    area("cabin", [[-6.5, 6], [-4, 11], [3.5, 11], [6.5, 6]], paint); // biome-ignore format: four corners
    area("window", [[-4.8, 6.6], [-3, 10], [2.8, 10], [4.8, 6.6]], [190, 225, 240]); // biome-ignore format: four corners
    area("body", [[-10.5, 2], [10.5, 2], [10.2, 6], [6.5, 7], [-10.2, 7]], paint); // biome-ignore format: five corners
    for (const wheel of [-6, 6]) {
      round("wheels", [wheel, 2.5], [2.6, 2.6], dark);
      round("wheels", [wheel, 2.5], [1.1, 1.1], [190, 190, 195]);
    }
  },
};
