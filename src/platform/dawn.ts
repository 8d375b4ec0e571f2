import type { Gpu, Kernels } from "./webgpu.js";

// WebGPU in Node, without CUDA: npm's `webgpu` is Dawn, which speaks Metal, Direct3D 12 and Vulkan. It and the kernels
// are optional peers, named through variables so that the compiler does not ask for them.

const DAWN = "webgpu";
const KERNELS = "@tensorflow/tfjs-backend-webgpu";

interface Dawn {
  readonly globals: object;
  create(flags: readonly string[]): Gpu;
}

/** Dawn ends with its garbage: it is kept as long as the process. */
let kept: Gpu | undefined;

/** @throws Error where the package is missing, or there is no driver. */
export async function dawn(): Promise<Gpu> {
  const { create, globals } = (await import(DAWN)) as Dawn;
  if (!(await hasDriver())) throw new Error("there is no Vulkan driver");
  for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value;
  kept = create([]);
  return kept;
}

export const loadKernels = (): Promise<Kernels> => import(KERNELS);

/** Where Vulkan's loader looks for drivers. Without one Dawn prints warnings of its own on stderr. */
async function hasDriver(): Promise<boolean> {
  if (process.platform !== "linux" || process.env.VK_ICD_FILENAMES || process.env.VK_DRIVER_FILES) return true;
  const { existsSync, readdirSync } = await import("node:fs");
  const roots = ["/etc", "/usr/share", "/usr/local/share", "/usr/local/etc"];
  return roots
    .map((root) => `${root}/vulkan/icd.d`)
    .some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}
