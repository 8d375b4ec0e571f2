import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";

// A GPU by WebGPU, a browser's or Dawn's: TensorFlow.js has kernels for it.

/** What is used of an adapter. */
interface Adapter {
  readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string };
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: object): Promise<Device>;
}
interface Device {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  onuncapturederror: ((event: { readonly error: { readonly message: string } }) => void) | null;
}
/** `navigator.gpu`. */
export interface Gpu {
  requestAdapter(options: object): Promise<Adapter | null>;
}
/** What is used of TensorFlow.js's package. */
export interface Kernels {
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

let found: { readonly gpu: Gpu; readonly adapter: Adapter; readonly kernels: Kernels } | undefined;

/**
 * Finds a GPU and registers the backend `webgpu`, once.
 *
 * @param loadKernels is called where there is an adapter.
 * @throws Error where there is none; what `findGpu` and `loadKernels` throw.
 */
export async function registerWebgpu(
  findGpu: () => Promise<Gpu>,
  loadKernels: () => Promise<Kernels>,
): Promise<GpuAdapter> {
  found ??= await register(await findGpu(), loadKernels);
  const { vendor, architecture, description } = found.adapter.info;
  const name = [vendor, architecture, description].filter(Boolean).join(" ");
  return { name, software: /swiftshader|llvmpipe|software|basic render/i.test(name) };
}

async function register(gpu: Gpu, loadKernels: () => Promise<Kernels>) {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("there is no adapter");
  const kernels = await loadKernels();
  // One whose device was lost; and in a browser the one that the package registers by itself.
  if (tf.engine().registryFactory.webgpu) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => startBackend(gpu, adapter, kernels), 0);
  return { gpu, adapter, kernels };
}

async function startBackend(gpu: Gpu, adapter: Adapter, { WebGPUBackend }: Kernels): Promise<tf.KernelBackend> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const backend = withGpu(gpu, () => new WebGPUBackend(device, adapter.info));
  const read = backend.read.bind(backend);
  let failed: string | undefined;
  device.lost.then(({ reason, message }) => {
    failed = `it was lost (${message || reason})`;
    found = undefined;
  });
  // Such as memory that it has not got. What it computes from then on is anything.
  device.onuncapturederror = ({ error }) => {
    failed ??= error.message;
  };
  backend.read = async (id) => {
    const values = await read(id).catch(async (cause: Error) => {
      // The news of the loss come after the failure.
      await new Promise((resolve) => setTimeout(resolve));
      failed ??= cause.message;
      return undefined;
    });
    if (values !== undefined && failed === undefined) return values;
    throw new NoticeError(
      "backend",
      `The GPU (${adapter.info.description}) does not answer: ${failed}. Load the model again, or take another backend: wasm.`,
    );
  };
  return backend;
}

/** TensorFlow.js looks whether the navigator has a GPU, and asks it nothing. */
function withGpu<Result>(gpu: Gpu, make: () => Result): Result {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  if ((globalThis.navigator as { readonly gpu?: unknown } | undefined)?.gpu) return make();
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else Reflect.deleteProperty(globalThis, "navigator");
  }
}
