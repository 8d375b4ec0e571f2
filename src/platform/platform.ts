import type { Codec } from "@cornerstonejs/codec-libjpeg-turbo-8bit/decode";
import type { GpuAdapter } from "./webgpu.js";

// What the core asks of the machine it runs on: Node. In a browser package.json puts platform.browser.ts in the place
// of this file. Each part is loaded when it is first asked for.

/** Inflates a zlib stream in pieces of at most 256 KB. What it throws on damage is the runtime's own. */
export async function* inflate(deflated: Uint8Array): AsyncGenerator<Uint8Array> {
  const [{ Readable }, { createInflate }] = await Promise.all([import("node:stream"), import("node:zlib")]);
  yield* Readable.from([deflated]).pipe(createInflate({ chunkSize: 1 << 18 }));
}

/** The JPEG decoder as WebAssembly. */
export async function loadJpegCodec(): Promise<Codec> {
  return (await import("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs")).default();
}

/** libwebp's decoder as WebAssembly. */
export async function loadWebpCodec(): Promise<Uint8Array> {
  const [{ readFile }, { createRequire }] = await Promise.all([import("node:fs/promises"), import("node:module")]);
  return readFile(createRequire(import.meta.url).resolve("@cwasm/webp/webp.wasm"));
}

export async function loadWasmBackend(): Promise<void> {
  await import("@tensorflow/tfjs-backend-wasm");
}

/** The GPU that WebGPU finds, once. */
export async function loadWebgpuBackend(): Promise<GpuAdapter> {
  const [{ registerWebgpu }, { dawn, loadKernels }] = await Promise.all([import("./webgpu.js"), import("./dawn.js")]);
  return registerWebgpu(dawn, loadKernels);
}

/** The native packages are optional peers: named through a variable, so that the compiler does not ask for them. */
export async function loadNativeBackend(name: string): Promise<void> {
  // tfjs-node 4.22 calls it, and Node 23 took it away.
  const util = (await import("node:util")).default as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  // TensorFlow greets on stderr with what its build could do better.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  await import(name);
  if (name !== "@tensorflow/tfjs-node") return; // oneDNN computes on processors
  const { registerFused } = await import("./native.js");
  await registerFused();
}
