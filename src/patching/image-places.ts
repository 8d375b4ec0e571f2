import { checkOptions, NoticeError } from "../base/errors.js";
import type { Network } from "../model/architecture.js";
import { INSIDE } from "./attention-functions.js";

// Where in the original picture an image token looks, and the reverse.

/** Of the original picture, in its pixels: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** An image token's place. */
export interface ImagePlace {
  /** Its position at sites whose tokens are the picture's. */
  readonly token: number;
  /** Where it stands in the grid of patches. */
  readonly row: number;
  readonly column: number;
  /** What of the original picture it sees. */
  readonly box: Box;
}

/**
 * The place of every image token, [CLS] left out: the picture is stretched over the grid.
 *
 * @param picture its width and height, before it is resized.
 */
export function imagePlaces(
  { architecture, config }: Pick<Network, "architecture" | "config">,
  picture: { readonly width: number; readonly height: number },
): ImagePlace[] {
  checkOptions("imagePlaces", picture, "{ width: 640, height: 480 }");
  const { width, height } = picture;
  const { side, patch } = architecture.intake.image(config);
  const grid = side / patch;
  const [wide, tall] = [width / grid, height / grid];
  return Array.from({ length: grid ** 2 }, (_, at) => {
    const [row, column] = [Math.floor(at / grid), at % grid];
    return { token: 1 + at, row, column, box: [column * wide, row * tall, wide, tall] };
  });
}

/**
 * The tokens of which a box covers at least half.
 *
 * @throws NoticeError `image` where it is no box, or covers half of none.
 */
export function tokensInBox(places: readonly ImagePlace[], box: Box): number[] {
  if (!Array.isArray(box) || box.length !== 4 || !box.every(Number.isFinite) || !(box[2] > 0 && box[3] > 0))
    throw new NoticeError("image", `${JSON.stringify(box)} is no box; x, y, width and height in pixels were expected.`);
  const along = (from: number, length: number, start: number, whole: number) =>
    Math.max(0, Math.min(from + length, start + whole) - Math.max(from, start)) / whole;
  const covered = places.filter(
    ({ box: [x, y, w, h] }) => along(box[0], box[2], x, w) * along(box[1], box[3], y, h) >= INSIDE - 1e-9,
  );
  if (covered.length === 0) {
    const [, , w, h] = places[0]!.box;
    throw new NoticeError(
      "image",
      `The box ${box.join(",")} covers half of no patch; one is ${w.toPrecision(3)} x ${h.toPrecision(3)} pixels of this picture.`,
    );
  }
  return covered.map(({ token }) => token);
}
