import { luminance } from "../../pictures/luminance.js";
import type { Picture } from "../../pictures/picture.js";
import { resize } from "../../pictures/resize.js";

const quality = 92;

/** The picture as the bytes of a JPEG file, chroma not subsampled. */
export async function encodeJpeg({ width, height, data }: Picture): Promise<Uint8Array> {
  return encode(data, width, height, 3);
}

/** The picture in grey (Rec. 601) and scaled to a square (bicubic), as the bytes of a JPEG file. */
export async function encodeGreyJpeg(picture: Picture, side: number): Promise<Uint8Array> {
  const { data } = resize(picture, side, side);
  const grey = Uint8Array.from({ length: side * side }, (_, i) => Math.round(luminance(data, 3 * i)));
  return encode(grey, side, side, 1);
}

let codec: ReturnType<typeof loadCodec> | undefined;

/** Compiled once, with the first picture. */
async function loadCodec() {
  return (await import("@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs")).default();
}

async function encode(data: Uint8Array, width: number, height: number, componentCount: 1 | 3): Promise<Uint8Array> {
  codec ??= loadCodec();
  const { JPEGEncoder } = await codec;
  const encoder = new JPEGEncoder();
  try {
    encoder.getDecodedBuffer({ width, height, bitsPerSample: 8, componentCount, isSigned: false }).set(data);
    encoder.setQuality(quality);
    encoder.setSubSampling(componentCount === 1 ? 3 : 0);
    encoder.encode();
    return encoder.getEncodedBuffer().slice();
  } finally {
    encoder.delete();
  }
}
