import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import type { CheckpointFiles } from "../base/source.js";
import { type Box, cropped, type Picture, type Size } from "./picture.js";
import {
  CLIP_MEAN,
  CLIP_STD,
  type ImageProcessor,
  levelFields,
  loadProcessor,
  normalised,
  perChannel,
} from "./pixels.js";
import { resize } from "./resize.js";

// Pictures of models that read them among their words: cut into tiles (Idefics3, SmolVLM), or cropped to a square
// (LLaVA, CLIP).

const side = z.int().min(1).max(16_384);
const HALVES = [0.5, 0.5, 0.5];

const tilesSchema = z.object({
  ...levelFields,
  image_processor_type: z
    .string()
    .regex(/^(Idefics3|SmolVLM)/, "expected Idefics3ImageProcessor or SmolVLMImageProcessor")
    .nullish(),
  do_resize: z.literal(true, "expected true").default(true),
  do_image_splitting: z.boolean().default(true),
  resample: z.literal(1, "expected 1 (lanczos)").default(1),
  size: z.object({ longest_edge: side }).default({ longest_edge: 1456 }),
  max_image_size: z.object({ longest_edge: side }).default({ longest_edge: 364 }),
  image_mean: perChannel(z.number()).default(HALVES),
  image_std: perChannel(z.number().positive()).default(HALVES),
});

const cropSide = z.union([
  z.object({ height: side, width: side }),
  side.transform((both) => ({ height: both, width: both })),
]);
const cropSchema = z.object({
  ...levelFields,
  image_processor_type: z
    .string()
    .regex(/^(CLIP|Llava)/, "expected CLIPImageProcessor")
    .nullish(),
  do_resize: z.literal(true, "expected true").default(true),
  do_center_crop: z.literal(true, "expected true").default(true),
  do_pad: z.literal(false, "expected false").nullish(),
  resample: z.literal(3, "expected 3 (bicubic)").default(3),
  size: z
    .union([z.object({ shortest_edge: side }), side.transform((shortest_edge) => ({ shortest_edge }))])
    .default({ shortest_edge: 224 }),
  crop_size: cropSide.default({ height: 224, width: 224 }),
  image_mean: perChannel(z.number()).default([...CLIP_MEAN]),
  image_std: perChannel(z.number().positive()).default([...CLIP_STD]),
});

/** Idefics3's and SmolVLM's, in Hugging Face's names; `size` is that of a tile. */
interface TileProcessor extends ImageProcessor {
  readonly do_image_splitting: boolean;
  /** Of a picture before it is cut into tiles. */
  readonly longestEdge: number;
}

/** CLIP's, in Hugging Face's names; `size` is that of the crop. */
interface CropProcessor extends ImageProcessor {
  readonly shortestEdge: number;
}

/** @throws NoticeError `checkpoint` naming the file and the field. */
export async function loadTileProcessor(files: CheckpointFiles): Promise<TileProcessor> {
  const { size, max_image_size, image_processor_type, resample, ...rest } = await loadProcessor(files, tilesSchema);
  const tile = max_image_size.longest_edge;
  return { ...rest, size: { height: tile, width: tile }, longestEdge: size.longest_edge };
}

/** @throws NoticeError `checkpoint` naming the file and the field. */
export async function loadCropProcessor(files: CheckpointFiles): Promise<CropProcessor> {
  const { size, crop_size, image_processor_type, resample, do_center_crop, do_pad, ...rest } = await loadProcessor(
    files,
    cropSchema,
  );
  if (size.shortest_edge < Math.max(crop_size.height, crop_size.width))
    throw new NoticeError(
      "checkpoint",
      `${files.name}: preprocessor_config.json crops ${crop_size.width} x ${crop_size.height} out of pictures whose shortest side has ` +
        `${size.shortest_edge} pixels; a crop that fits was expected.`,
    );
  return { ...rest, size: crop_size, shortestEdge: size.shortest_edge };
}

/** As transformers has it before tiles: the longest side first, whatever it was, then no side above this. */
const MOST_SIDE = 4096;

/**
 * A picture's tiles row by row and then the whole of it, or only that, each [height, width, 3] normalised, one after
 * the other.
 */
interface Tiles {
  readonly values: Float32Array;
  readonly tiles: number;
  readonly rows: number;
  readonly columns: number;
}

/** How many tiles a picture becomes. None of both where it is not cut. */
export function gridOf(processor: TileProcessor, width: number, height: number): { rows: number; columns: number } {
  const [fullWidth, fullHeight] = splitSize(processor, width, height);
  const tile = processor.size.height;
  if (!processor.do_image_splitting || (fullWidth <= tile && fullHeight <= tile)) return { rows: 0, columns: 0 };
  return { rows: fullHeight / tile, columns: fullWidth / tile };
}

/** What each tile shows of a picture, the last all of it. */
export function tileBoxes(processor: TileProcessor, { width, height }: Size): Box[] {
  const { rows, columns } = gridOf(processor, width, height);
  const [wide, tall] = [width / columns, height / rows];
  const tiles = Array.from({ length: rows * columns }, (_, i): Box => {
    return [(i % columns) * wide, Math.floor(i / columns) * tall, wide, tall];
  });
  return [...tiles, [0, 0, width, height]];
}

/** A picture as Idefics3 sees it: equal to `Idefics3ImageProcessor` (the one on Pillow) to the last bit. */
export function tilesOf(processor: TileProcessor, picture: Picture): Tiles {
  const tile = processor.size.height;
  const long = resize(picture, ...longSize(processor, picture.width, picture.height), "lanczos");
  const { rows, columns } = gridOf(processor, picture.width, picture.height);
  const whole = (of: Picture) => resize(of, tile, tile, "lanczos").data;
  if (rows === 0) {
    const data = processor.do_image_splitting
      ? resize(long, ...splitSize(processor, picture.width, picture.height), "lanczos").data
      : whole(long);
    return { values: normalised(processor, data), tiles: 1, rows, columns };
  }
  const full = resize(long, columns * tile, rows * tile, "lanczos");
  const size = tile * tile * 3;
  const levels = new Uint8Array(size * (rows * columns + 1));
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let y = 0; y < tile; y++) {
        const from = ((row * tile + y) * full.width + column * tile) * 3;
        levels.set(full.data.subarray(from, from + tile * 3), (row * columns + column) * size + y * tile * 3);
      }
  levels.set(whole(full), rows * columns * size);
  return { values: normalised(processor, levels), tiles: rows * columns + 1, rows, columns };
}

/** Width and height with the longest side as the processor wants it, the other even. */
function longSize({ longestEdge }: TileProcessor, width: number, height: number): [number, number] {
  const even = (side: number) => side + (side % 2);
  const ratio = width / height;
  let [w, h] =
    width >= height
      ? [longestEdge, even(Math.trunc(longestEdge / ratio))]
      : [even(Math.trunc(longestEdge * ratio)), longestEdge];
  [w, h] = [Math.max(w, 1), Math.max(h, 1)];
  const capped = w / h;
  if (w >= h && w > MOST_SIDE) [w, h] = [MOST_SIDE, Math.trunc(MOST_SIDE / capped)];
  else if (h > w && h > MOST_SIDE) [w, h] = [Math.trunc(MOST_SIDE * capped), MOST_SIDE];
  return [Math.max(w, 1), Math.max(h, 1)];
}

/** The same, both sides raised to whole tiles. */
function splitSize(processor: TileProcessor, width: number, height: number): [number, number] {
  const tile = processor.size.height;
  const up = (side: number) => Math.ceil(side / tile) * tile;
  const [w, h] = longSize(processor, width, height);
  const ratio = w / h;
  return w >= h ? [up(w), up(Math.trunc(up(w) / ratio))] : [up(Math.trunc(up(h) * ratio)), up(h)];
}

/**
 * A picture as CLIP sees it: its shortest side resized, its middle cut out; equal to `CLIPImageProcessor` (the one on
 * Pillow).
 */
export function cropOf(processor: CropProcessor, picture: Picture): Float32Array {
  const whole = resize(picture, ...shortSize(processor, picture));
  return normalised(processor, cropped(whole, middleOf(processor, whole)).data);
}

/** What of a picture CLIP sees. */
export function cropBox(processor: CropProcessor, picture: Size): Box {
  const [width, height] = shortSize(processor, picture);
  const [left, top, wide, tall] = middleOf(processor, { width, height });
  const [across, down] = [picture.width / width, picture.height / height];
  return [left * across, top * down, wide * across, tall * down];
}

/** Width and height with the shortest side as the processor wants it. */
function shortSize({ shortestEdge }: CropProcessor, { width, height }: Size): [number, number] {
  const long = Math.trunc((shortestEdge * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? [shortestEdge, long] : [long, shortestEdge];
}

function middleOf({ size }: CropProcessor, { width, height }: Size): Box {
  const [left, top] = [Math.trunc((width - size.width) / 2), Math.trunc((height - size.height) / 2)];
  return [left, top, size.width, size.height];
}
