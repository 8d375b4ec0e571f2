import type { Codec } from "@cornerstonejs/codec-libjpeg-turbo-8bit/decode";
import type { Gpu, GpuAdapter, Kernels } from "./webgpu.js";

// What platform.ts is in Node.

/** Inflates a zlib stream. What it throws on damage is the runtime's own. */
export async function* inflate(deflated: Uint8Array): AsyncGenerator<Uint8Array> {
  const stored = new Blob([deflated as Uint8Array<ArrayBuffer>]);
  const reader = stored.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The JPEG decoder's C as JavaScript: one file, wherever a bundler puts it. */
export async function loadJpegCodec(): Promise<Codec> {
  return (await import("@cornerstonejs/codec-libjpeg-turbo-8bit/decode")).default();
}

/** libwebp's decoder as WebAssembly. */
export async function loadWebpCodec(): Promise<Uint8Array> {
  const reply = await fetch(new URL("../wasm/webp.wasm", import.meta.url));
  return new Uint8Array(await reply.arrayBuffer());
}

/** Bundlers find the .wasm files by these addresses; scripts/build.mjs puts them there. */
export async function loadWasmBackend(): Promise<void> {
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  setWasmPaths({
    "tfjs-backend-wasm.wasm": new URL("../wasm/tfjs-backend-wasm.wasm", import.meta.url).href,
    "tfjs-backend-wasm-simd.wasm": new URL("../wasm/tfjs-backend-wasm-simd.wasm", import.meta.url).href,
    "tfjs-backend-wasm-threaded-simd.wasm": new URL("../wasm/tfjs-backend-wasm-threaded-simd.wasm", import.meta.url)
      .href,
  });
}

/** The GPU that the browser gives, once. Without the package of its kernels, which is optional, bundlers go on. */
export async function loadWebgpuBackend(): Promise<GpuAdapter> {
  const { registerWebgpu } = await import("./webgpu.js");
  const find = async () => {
    const { gpu } = navigator as { readonly gpu?: Gpu };
    if (!gpu) throw new Error("this browser gives none");
    return gpu;
  };
  return registerWebgpu(find, async () => {
    try {
      return (await import("@tensorflow/tfjs-backend-webgpu")) as unknown as Kernels;
    } catch (cause) {
      throw new Error("@tensorflow/tfjs-backend-webgpu is not in this page", { cause });
    }
  });
}

export async function loadNativeBackend(): Promise<void> {
  throw new Error("it computes in Node only");
}
