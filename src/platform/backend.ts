import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { loadNativeBackend, loadWasmBackend, loadWebgpuBackend } from "./platform.js";
import { differenceBetween, TOLERANCE } from "./self-check.js";

/** The backends, fastest first: the order in which `auto` tries them. */
export const BACKENDS = ["node-gpu", "webgpu", "node", "wasm", "cpu"] as const;
/** What computes: TensorFlow on CUDA, any GPU, TensorFlow on processors, WebAssembly, plain JavaScript. */
export type Backend = (typeof BACKENDS)[number];

interface BackendPackage {
  /** The npm package that carries it. */
  readonly package: string;
  /** Its name within TensorFlow.js. */
  readonly tfjs: string;
  readonly load: () => Promise<unknown>;
  /** Why `auto` passes it over although it loaded. It is in use. */
  readonly unfit?: () => Promise<string | undefined>;
}

const BACKEND_PACKAGES: Record<Backend, BackendPackage> = {
  "node-gpu": {
    package: "@tensorflow/tfjs-node-gpu",
    tfjs: "tensorflow",
    load: () => loadNativeBackend("@tensorflow/tfjs-node-gpu"),
  },
  webgpu: { package: "webgpu", tfjs: "webgpu", load: loadWebgpuBackend, unfit: unfitGpu },
  node: {
    package: "@tensorflow/tfjs-node",
    tfjs: "tensorflow",
    load: () => loadNativeBackend("@tensorflow/tfjs-node"),
  },
  wasm: {
    package: "@tensorflow/tfjs-backend-wasm",
    tfjs: "wasm",
    load: loadWasmBackend,
  },
  cpu: { package: "@tensorflow/tfjs-backend-cpu", tfjs: "cpu", load: () => import("@tensorflow/tfjs-backend-cpu") },
};

/** A program that stands in for a GPU is slower than wasm, and a driver may compute wrongly. */
async function unfitGpu(): Promise<string | undefined> {
  const { name, software } = await loadWebgpuBackend();
  if (software) return `${name} is no hardware; --backend webgpu takes it all the same`;
  await loadWasmBackend();
  const difference = await differenceBetween("webgpu", "wasm");
  return difference <= TOLERANCE ? undefined : `${name} computes wrongly: ${difference} from wasm`;
}

// Silences the banner that recommends another backend.
tf.enableProdMode();

let chosen: Backend | undefined;

/** The backend in use, once one has been chosen. */
export function currentBackend(): Backend | undefined {
  return chosen;
}

/**
 * Makes a backend the one that TensorFlow.js computes on. `auto` takes the first of `BACKENDS` that loads, and keeps
 * one that was chosen before.
 *
 * @throws NoticeError `backend` where the name is unknown or the package does not load.
 */
export async function useBackend(name: Backend | "auto" = defaultBackend()): Promise<Backend> {
  if (name === "auto" && chosen) return chosen;
  if (name !== "auto" && !isBackend(name))
    throw new NoticeError("backend", `There is no backend ${name}; choose auto, ${BACKENDS.join(", ")}.`);
  const reasons: string[] = [];
  for (const candidate of name === "auto" ? BACKENDS : [name]) {
    const reason = (await tryBackend(candidate)) ?? (name === "auto" ? await unfit(candidate) : undefined);
    if (reason === undefined) {
      chosen = candidate;
      return candidate;
    }
    reasons.push(`${candidate}: ${reason}`);
  }
  throw new NoticeError(
    "backend",
    `No backend could be used. ${reasons.join("; ")}. \`notice doctor\` says how to get one.`,
  );
}

/** Why `auto` passes over a backend that is in use. */
export async function unfit(backend: Backend): Promise<string | undefined> {
  return BACKEND_PACKAGES[backend].unfit?.();
}

/** Why a backend cannot be used, or undefined where it now is. */
export async function tryBackend(backend: Backend): Promise<string | undefined> {
  const { package: name, tfjs, load } = BACKEND_PACKAGES[backend];
  const handlers = processHandlers();
  try {
    await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [, absent] = code === "ERR_MODULE_NOT_FOUND" ? (/package '([^']+)'/.exec(message) ?? []) : [];
    return absent === undefined ? `${name} does not load: ${message.split("\n")[0]}` : `${absent} is not installed`;
  }
  // tfjs falls back to another backend in silence where one fails.
  const set = await tf.setBackend(tfjs).catch(() => false);
  await tf.ready();
  for (const [event, before] of handlers)
    for (const listener of process.listeners(event as "uncaughtException"))
      if (!before.includes(listener)) process.off(event, listener);
  if (!set || tf.getBackend() !== tfjs) return `${name} loaded but TensorFlow.js could not start it`;
  return undefined;
}

/**
 * The wasm module takes over the process's last-resort error handlers, and prints its whole source on any error of
 * anybody's; what it adds is taken away again.
 */
function processHandlers() {
  if (typeof process === "undefined" || !process.listeners) return [];
  const events = ["uncaughtException", "unhandledRejection"] as const;
  return events.map((event) => [event, process.listeners(event as "uncaughtException")] as const);
}

function isBackend(name: string): name is Backend {
  return (BACKENDS as readonly string[]).includes(name);
}

/** What is used where nothing else is asked for. Checked by whoever uses it: an environment may say anything. */
export function defaultBackend(): Backend | "auto" {
  return ((typeof process !== "undefined" && process.env.NOTICE_BACKEND) || "auto") as Backend | "auto";
}
