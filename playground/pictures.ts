import type { Picture } from "../src/pictures/picture.js";

/** Larger files are refused: a photograph has less. */
export const MOST_BYTES = 25e6;

/** The longer side of a picture of one's own in pixels; what is larger is scaled down. */
const MOST_SIDE = 2048;

/** @throws what is wrong with the file, and what to do. */
export async function pictureFrom(file: Blob): Promise<Picture> {
  if (file.size > MOST_BYTES)
    throw new Error(
      `That file has ${megabytes(file.size)}; at most ${megabytes(MOST_BYTES)} are read. Make it smaller.`,
    );
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("That file is no picture that this browser reads. Take a PNG, JPEG, WebP, GIF or BMP.");
  });
  return pictureOfBitmap(bitmap);
}

/** Its pixels, at most 2048 a side, on white. */
export function pictureOfBitmap(bitmap: ImageBitmap): Picture {
  const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width!, height!);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width!, height!);
  context.drawImage(bitmap, 0, 0, width!, height!);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width!, height!).data;
  const data = new Uint8Array(3 * width! * height!);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) data.set(pixels.subarray(from, from + 3), to);
  return { width: width!, height: height!, data };
}

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
