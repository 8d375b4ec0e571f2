import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";

// A GPU without CUDA: npm's `webgpu` is Dawn, which speaks Metal, Direct3D 12 and Vulkan; TensorFlow.js has kernels for
// it. Both are optional peers, named through variables so that the compiler does not ask for them.

export const DAWN = "webgpu";
export const KERNELS = "@tensorflow/tfjs-backend-webgpu";

/** What is used of Dawn's objects. */
interface Adapter {
  readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string };
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlySet<string>;
  requestDevice(descriptor: object): Promise<Device>;
}
interface Device {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
}
interface Dawn {
  readonly globals: object;
  create(flags: readonly string[]): { requestAdapter(options: object): Promise<Adapter | null> };
}
interface Kernels {
  readonly WebGPUBackend: new (device: Device, info: object) => tf.KernelBackend;
}

/** Those that TensorFlow.js raises to what the adapter has. */
const LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
];

/** A graphics processor, or a program that stands in for one. */
export interface GpuAdapter {
  readonly name: string;
  readonly software: boolean;
}

let found: { readonly adapter: Adapter; readonly kernels: Kernels } | undefined;
/** Dawn ends with its garbage: it is kept as long as the process. */
let dawn: unknown;

/**
 * Finds a GPU and registers the backend `webgpu`, once.
 *
 * @throws Error where a package is missing, or there is no adapter.
 */
export async function loadWebgpu(): Promise<GpuAdapter> {
  found ??= await findAdapter();
  const { vendor, architecture, description } = found.adapter.info;
  const name = [vendor, architecture, description].filter(Boolean).join(" ");
  return { name, software: /swiftshader|llvmpipe|software|basic render/i.test(name) };
}

/** Where Vulkan's loader looks for drivers. Without one Dawn prints warnings of its own on stderr. */
async function hasDriver(): Promise<boolean> {
  if (process.platform !== "linux" || process.env.VK_ICD_FILENAMES || process.env.VK_DRIVER_FILES) return true;
  const { existsSync, readdirSync } = await import("node:fs");
  const roots = ["/etc", "/usr/share", "/usr/local/share", "/usr/local/etc"];
  return roots
    .map((root) => `${root}/vulkan/icd.d`)
    .some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

async function findAdapter() {
  const { create, globals } = (await import(DAWN)) as Dawn;
  if (!(await hasDriver())) throw new Error("there is no Vulkan driver");
  for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value;
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("there is no adapter");
  dawn = gpu;
  const kernels = (await import(KERNELS)) as Kernels;
  // One whose device was lost.
  if (tf.engine().registryFactory.webgpu) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => startBackend(adapter, kernels), 0);
  return { adapter, kernels };
}

async function startBackend(adapter: Adapter, { WebGPUBackend }: Kernels): Promise<tf.KernelBackend> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const backend = withGpu(() => new WebGPUBackend(device, adapter.info));
  const read = backend.read.bind(backend);
  let lost: string | undefined;
  device.lost.then(({ reason, message }) => {
    lost = `it was lost (${message || reason})`;
    found = undefined;
  });
  backend.read = async (id) => {
    try {
      return await read(id);
    } catch (cause) {
      // The news of the loss come after the failure.
      await new Promise((resolve) => setTimeout(resolve));
      const why = lost ?? (cause as Error).message;
      throw new NoticeError(
        "backend",
        `The GPU (${adapter.info.description}) does not answer: ${why}. Load the model again, or take another backend: wasm.`,
        { cause },
      );
    }
  };
  return backend;
}

/** TensorFlow.js looks whether the navigator has a GPU, and asks it nothing. */
function withGpu<Result>(make: () => Result): Result {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { gpu: dawn }, configurable: true });
  try {
    return make();
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else Reflect.deleteProperty(globalThis, "navigator");
  }
}
