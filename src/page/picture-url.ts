import { checkObject } from "../base/errors.js";
import type { Picture } from "../pictures/picture.js";

/** A picture as an address that holds it, for an `<img>` of a page. @throws NoticeError `options` where it is none. */
export function pictureUrl(picture: Picture): string {
  checkObject("The picture of pictureUrl", picture, "{ width, height, data }");
  const known = addresses.get(picture) ?? addressOf(picture);
  addresses.set(picture, known);
  return known;
}

const addresses = new WeakMap<Picture, string>();

function addressOf({ width, height, data }: Picture): string {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pixels = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4)
    pixels.data.set([data[from]!, data[from + 1]!, data[from + 2]!, 255], to);
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
