import { checkOptions, NoticeError } from "../base/errors.js";
import type { Network } from "../model/architecture.js";
import type { Box, Picture, Size } from "../pictures/picture.js";
import { INSIDE, patchShares } from "./attention-functions.js";
import type { Question } from "./positions.js";
import { indexes } from "./run.js";

// Where in the original picture an image token looks, and the reverse.

export type { Box };

/** An image token's place. */
export interface ImagePlace {
  /** Its position at sites whose tokens are the picture's. */
  readonly token: number;
  /** Of a picture that is cut: in which of its tiles, the last of which is the whole picture. */
  readonly tile?: number;
  /** Where it stands in the grid of patches. */
  readonly row: number;
  readonly column: number;
  /** What of the original picture it sees. */
  readonly box: Box;
}

/** What of a network says where its image tokens look. */
export type Viewer = Pick<Network, "architecture" | "config" | "reader">;

/** What of a picture each tile shows; of a model that cuts nothing, one that is all of it. */
export function boxesOf({ reader }: Viewer, { width, height }: Size): readonly Box[] {
  return reader?.boxes({ width, height }) ?? [[0, 0, width, height]];
}

/** How the image tokens of a tile stand: patches on each side, how many come before them, how many there are. */
export function tileOf(model: Pick<Viewer, "architecture" | "config">): Record<"side" | "before" | "count", number> {
  const { side: pixels, patch } = model.architecture.intake.image(model.config);
  const seeing = Object.values(model.architecture.towers).find(({ tokens }) => tokens === "image")!;
  const [side, count] = [pixels / patch, seeing.names(model.config).length];
  return { side, before: count - side ** 2, count };
}

/**
 * The place of every image token, [CLS] left out. The picture is stretched over the grid of each tile, of which most
 * models have one.
 *
 * @param picture its width and height, before it is resized.
 * @param question of a pair, for sites that have the picture among their words: then their tokens.
 * @throws NoticeError `image` where the question was read with a picture in other tiles.
 */
export function imagePlaces(
  model: Pick<Network, "architecture" | "config" | "reader">,
  picture: Pick<Picture, "width" | "height">,
  question?: Pick<Question, "image">,
): ImagePlace[] {
  checkOptions("imagePlaces", picture, "{ width: 640, height: 480 }");
  const boxes = boxesOf(model, picture);
  const among = question?.image;
  const { side, before, count } = among ? gridOf(among.length / boxes.length, picture) : tileOf(model);
  return boxes.flatMap(([x, y, width, height], tile) => {
    const [wide, tall] = [width / side, height / side];
    return Array.from({ length: side ** 2 }, (_, at): ImagePlace => {
      const [row, column] = [Math.floor(at / side), at % side];
      const box = [x + column * wide, y + row * tall, wide, tall] as const;
      const token = tile * count + before + at;
      return { token: among ? among[token]! : token, ...(boxes.length > 1 ? { tile } : {}), row, column, box };
    });
  });
}

/** How so many image tokens of a tile stand, [CLS] perhaps before them. */
function gridOf(count: number, { width, height }: Size): Record<"side" | "before" | "count", number> {
  const side = Math.floor(Math.sqrt(count));
  const before = count - side ** 2;
  if (before === 0 || before === 1) return { side, before, count };
  throw new NoticeError(
    "image",
    `The question was read with a picture in other tiles than one of ${width} x ${height} pixels. Give the pair's own.`,
  );
}

/**
 * The image tokens as they stand in the grid of each tile, [tile][row][column]; [CLS] is in none.
 *
 * @param count of tokens that the tower has which sees the picture. @param among where they stand among words.
 */
export function gridsOf(model: Viewer, count: number, among?: readonly number[]): number[][][] {
  const tile = tileOf(model);
  const tiles = count / tile.count;
  const each = among ? among.length / tiles : tile.count;
  const side = among ? Math.floor(Math.sqrt(each)) : tile.side;
  const token = (at: number) => (among ? among[at]! : at);
  return indexes(tiles).map((tile) =>
    indexes(side).map((row) =>
      indexes(side).map((column) => token((tile + 1) * each - side ** 2 + row * side + column)),
    ),
  );
}

/**
 * The image tokens that stand for an object: those whose patch it covers at least half.
 *
 * @param mask of the picture's proportions, grey, 255 where the object is. @param question as for `imagePlaces`.
 * @throws NoticeError `image` where it covers half of no patch.
 */
export function tokensUnderMask(model: Viewer, mask: Picture, question?: Pick<Question, "image">): number[] {
  const places = imagePlaces(model, mask, question);
  const boxes = boxesOf(model, mask);
  const side = Math.sqrt(places.length / boxes.length);
  const shares = boxes.flatMap((box) => patchShares(mask, side, box));
  const covered = places.filter((_, i) => shares[i]! >= INSIDE);
  if (covered.length === 0)
    throw new NoticeError(
      "image",
      `The mask covers half of no patch of the ${side} x ${side}; it is 255 where the object is.`,
    );
  return covered.map(({ token }) => token);
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
