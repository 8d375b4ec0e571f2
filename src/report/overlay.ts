import { checkList, checkObject, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { NEGATIVE, OPAQUE, POSITIVE } from "../page/colour.js";
import { luminance } from "../pictures/luminance.js";
import type { Box, Picture } from "../pictures/picture.js";
import { resize } from "../pictures/resize.js";

/** How an overlay is drawn. */
export interface OverlayOptions {
  /** Where the colours end on both sides of 0, equal for overlays that are compared. Default: the largest |value|. */
  readonly extent?: number;
  /** The longer side of the result in pixels. Default 256. */
  readonly side?: number;
  /** Over which part of the picture the grid is stretched, in its pixels. Default: all of it. */
  readonly box?: Box;
}

/** A picture with a grid of numbers over it, and the scale of the colours. */
export interface OverlayPicture {
  readonly picture: Picture;
  readonly extent: number;
}

/**
 * A grid drawn on a picture: the picture in grey, over it red for negative and blue for positive numbers, the more
 * opaque the larger they are. The grid is stretched over the picture, or a box of it, and interpolated between its
 * cells' centres. Beside the box nothing is coloured.
 *
 * @param grid [row][column], rows of equal length
 * @throws NoticeError `options` for an empty or ragged grid and numbers that are not finite, `image` as `resize`.
 */
export function drawOverlay(
  picture: Picture,
  grid: readonly (readonly number[])[],
  options: OverlayOptions = {},
): OverlayPicture {
  checkObject("The picture of drawOverlay", picture, "{ width, height, data }");
  checkList("The grid of drawOverlay", grid, "[[0, 1], [1, 0]]");
  checkShape("drawOverlay", options, { such: "{ side: 256 }", keys: ["extent", "side", "box"] });
  const {
    extent = Math.max(...grid.flat().map(Math.abs)),
    side = 256,
    box = [0, 0, picture.width, picture.height],
  } = options;
  const columns = grid[0]?.length ?? 0;
  if (columns === 0 || grid.some((row) => row.length !== columns || !row.every(Number.isFinite)))
    throw new NoticeError("options", "An overlay takes a grid of finite numbers, with rows of equal length.");
  const large = scaleTo(picture, side);
  const { width, height } = large;
  const data = new Uint8Array(large.data.length);
  const [x0, y0, wide, tall] = box;
  const across = blends(columns, width, { from: x0 / picture.width, length: wide / picture.width });
  const down = blends(grid.length, height, { from: y0 / picture.height, length: tall / picture.height });
  for (let y = 0, at = 0; y < height; y++) {
    const [above, below, part, isRow] = down[y]!;
    for (let x = 0; x < width; x++, at += 3) {
      const [left, right, share, isColumn] = across[x]!;
      const upper = mix(grid[above]![left]!, grid[above]![right]!, share);
      const value = mix(upper, mix(grid[below]![left]!, grid[below]![right]!, share), part);
      const strength = extent > 0 && isRow && isColumn ? Math.min(1, Math.abs(value) / extent) * OPAQUE : 0;
      const colour = value < 0 ? NEGATIVE : POSITIVE;
      const grey = luminance(large.data, at);
      for (let channel = 0; channel < 3; channel++)
        data[at + channel] = Math.round(mix(grey, colour[channel]!, strength));
    }
  }
  return { picture: { width, height, data }, extent };
}

/** The picture with a longer side of so many pixels, in its own proportions. */
export function scaleTo(picture: Picture, side: number): Picture {
  const scale = side / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * scale)));
  return resize(picture, width!, height!);
}

/**
 * For each pixel: the two cells whose centres it lies between, how far it is on the way to the second, and whether it
 * lies in the stretch that the cells fill, in shares of all pixels.
 */
function blends(cells: number, pixels: number, { from, length }: { readonly from: number; readonly length: number }) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const along = (pixel + 0.5 - from * pixels) / length;
    const place = (along * cells) / pixels - 0.5;
    const inside = Math.min(Math.max(place, 0), cells - 1);
    const first = Math.floor(inside);
    return [first, Math.min(first + 1, cells - 1), inside - first, along >= 0 && along <= pixels] as const;
  });
}

const mix = (a: number, b: number, part: number) => a + (b - a) * part;
