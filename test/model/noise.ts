import type { Picture } from "../../src/pictures/picture.js";

/** The picture that `noise` of test/fixtures/make_pixels.py makes. */
export function noise(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const hash = Math.imul(i, 2654435761);
    data[i] = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 24;
  }
  return { width, height, data };
}
