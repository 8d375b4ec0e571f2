import { NoticeError } from "../base/errors.js";
import { loadWebpCodec } from "../platform/platform.js";
import type { Picture } from "./picture.js";

/** The most memory of the decoder, pages of 64 KB: 288 MB. */
const MAX_PAGES = 4608;

/** libwebp compiled to WebAssembly; it calls nothing outside. */
interface Codec {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  /** The address of RGBA, [height, width, 4], 0 where the file is damaged or memory is exhausted. */
  WebPDecodeRGBA(data: number, size: number, width: number, height: number): number;
}

/**
 * A file of one VP8 or VP8L chunk as RGB. Each has an instance of its own: what a damaged one does to the decoder's
 * memory ends with it.
 *
 * @throws NoticeError `image` where it is not a whole picture of this size.
 */
export async function decodeVp8(
  file: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
  name: string,
): Promise<Picture> {
  const { memory, malloc, WebPDecodeRGBA } = await instance();
  let pixels = 0;
  const [data, size] = [malloc(file.length), malloc(8)];
  if (data && size) {
    new Uint8Array(memory.buffer).set(file, data);
    try {
      pixels = WebPDecodeRGBA(data, file.length, size, size + 4);
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
    }
  }
  const found = new Uint32Array(memory.buffer, size, 2);
  if (!pixels || found[0] !== width || found[1] !== height)
    throw new NoticeError(
      "image",
      `${name} is a damaged WebP, or one that takes too much memory: libwebp does not decode its ${width} x ${height} ` +
        "pixels. Take a sound copy of the picture.",
    );
  return { width, height, data: withoutAlpha(new Uint8Array(memory.buffer, pixels, width * height * 4)) };
}

let compiled: Promise<object> | undefined;

async function instance(): Promise<Codec> {
  compiled ??= loadWebpCodec().then((codec) => WebAssembly.compile(limited(codec, MAX_PAGES)));
  const none = () => 8; // no such file
  const imports = { wasi_snapshot_preview1: { fd_close: none, fd_seek: none, fd_write: none } };
  return (await WebAssembly.instantiate(await compiled, imports)).exports as unknown as Codec;
}

/** The module with a limit to its memory: section 5, of one memory without one. */
function limited(module: Uint8Array, pages: number): Uint8Array<ArrayBuffer> {
  const section = Uint8Array.of(5, 3, 1, 0);
  const at = module.findIndex((_, i) => section.every((byte, k) => module[i + k] === byte));
  const [first] = module.subarray(at + 4);
  const limit = [pages & 127 | 128, pages >> 7]; // biome-ignore format: LEB128
  const own = [5, 5, 1, 1, first!, ...limit];
  return Uint8Array.from([...module.subarray(0, at), ...own, ...module.subarray(at + 5)]);
}

function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}
