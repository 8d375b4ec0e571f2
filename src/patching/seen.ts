import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { gaussianNoise } from "../corruption/gaussian.js";
import type { Loaded } from "../model/load.js";
import { pixelValues } from "../pictures/pixels.js";
import type { Grid } from "../words/reader.js";
import { type ImageInput, type PairInput, pictureOf } from "./inputs.js";

// Pictures as a model sees them.

/** What is seen of a picture, with the grid of its tiles where the model reads them among its words. */
interface Seen {
  /** [1, height, width, 3], or [tile, height, width, 3]. The caller disposes of it. */
  readonly pixels: tf.Tensor4D;
  readonly grid?: Grid;
}

type Seer = Pick<Loaded, "reader" | "processor">;

/** @throws NoticeError `image` */
export async function see({ reader, processor }: Seer, image: ImageInput): Promise<Seen> {
  const picture = await pictureOf(image);
  if (reader) {
    const { values, shape, grid } = reader.see(picture);
    return { pixels: tf.tensor4d(values, [...shape]), grid };
  }
  const { height, width } = processor.size;
  return { pixels: tf.tensor4d(pixelValues(processor, picture), [1, height, width, 3]) };
}

/**
 * The other picture of a pair, or the clean one with noise.
 *
 * @throws NoticeError `image`, also where it is cut into other tiles than the clean one.
 */
export async function seeCorrupt(
  seer: Seer,
  corrupt: NonNullable<PairInput["corruptImage"]>,
  { pixels, grid }: Seen,
): Promise<tf.Tensor4D> {
  if (typeof corrupt === "object" && corrupt !== null && "noise" in corrupt)
    return gaussianNoise(pixels, corrupt.noise);
  const other = await see(seer, corrupt);
  const tiles = ({ rows, columns }: Grid) => (rows === 0 ? "one tile" : `${rows} x ${columns} tiles`);
  if (`${other.grid?.rows},${other.grid?.columns}` === `${grid?.rows},${grid?.columns}`) return other.pixels;
  other.pixels.dispose();
  throw new NoticeError(
    "image",
    `The picture becomes ${tiles(grid!)} and the corrupt one ${tiles(other.grid!)}, so that their tokens do not stand in the same ` +
      "places. Give pictures of one shape, or load the model with split: false (--no-split).",
  );
}
