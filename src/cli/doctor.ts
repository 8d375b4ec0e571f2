import { totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { formatBytes } from "../base/bytes.js";
import { availableMemory } from "../files/memory.js";
import { isCheckout } from "../files/package.js";
import { BACKENDS, type Backend, defaultBackend, tryBackend, unfit } from "../platform/backend.js";
import { loadWebgpuBackend } from "../platform/platform.js";
import { backendOption, columns, withJson } from "./options.js";
import { checkOutputs, type Outputs, printResult } from "./outputs.js";

/** How to get what is missing: in the repository, or in a project that the package is installed in. */
export function cures(inCheckout: boolean): Record<Backend, string> {
  const version = tf.version_core;
  const install = inCheckout ? "npm install --no-save --save-dev" : "npm install";
  const again = inCheckout ? "npm ci" : "npm install vlm-notice";
  return {
    "node-gpu": `${install} @tensorflow/tfjs-node-gpu@${version} (needs an NVIDIA driver and CUDA 11)`,
    webgpu: `${install} webgpu@0.6 @tensorflow/tfjs-backend-webgpu@${version} (any GPU; needs its driver, on Linux also libvulkan1)`,
    node: inCheckout
      ? "npm run native (Linux x86-64; needs python3 with pip, and g++)"
      : `${install} @tensorflow/tfjs-node@${version}`,
    wasm: `${again} (it is a plain dependency)`,
    cpu: `${again} (it is a plain dependency)`,
  };
}

interface BackendReport {
  readonly backend: Backend;
  /** Why it cannot be used; undefined where it can. */
  readonly missing?: string;
  readonly gflops?: number;
  /** Why the automatic choice passes it over. */
  readonly unfit?: string;
  /** The graphics processor and its driver. */
  readonly adapter?: string;
}

interface DoctorOptions extends Outputs {
  readonly backend?: Backend | "auto";
}

/** `notice doctor`: what this machine has, what it lacks, and how to get it. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("show versions and backends: which is in use, how fast each is, how to get a missing one")
    .addOption(backendOption());
  return withJson(command).action(async (options: DoctorOptions) => {
    await checkOutputs({ json: options.json });
    const backends: BackendReport[] = [];
    for (const backend of BACKENDS) {
      const missing = await tryBackend(backend);
      backends.push(missing === undefined ? await describe(backend) : { backend, missing });
    }
    const asked = options.backend ?? defaultBackend();
    const askedBy = options.backend !== undefined ? "--backend" : asked === "auto" ? undefined : "NOTICE_BACKEND";
    const usable = backends.filter(({ missing }) => missing === undefined);
    const inUse = usable.find(({ backend, unfit }) => (asked === "auto" ? !unfit : backend === asked))?.backend;
    const memory = { total: totalmem(), available: availableMemory() };
    const result = { node: process.version, tfjs: tf.version_core, asked, askedBy, inUse, backends, memory };
    await printResult(result, () => doctorTable(result), options);
  });
}

/** A backend that is in use. */
async function describe(backend: Backend): Promise<BackendReport> {
  const adapter = backend === "webgpu" ? (await loadWebgpuBackend()).name : undefined;
  return { backend, gflops: await matMulRate(backend), unfit: await unfit(backend), adapter };
}

interface Diagnosis {
  readonly node: string;
  readonly tfjs: string;
  /** Of an environment's word, anything. */
  readonly asked: string;
  readonly askedBy?: string;
  readonly inUse?: Backend;
  readonly backends: readonly BackendReport[];
  readonly memory: { readonly total: number; readonly available: number };
}

function doctorTable(diagnosis: Diagnosis): string {
  const { node, tfjs, inUse, backends, memory } = diagnosis;
  const rows = backends.map(({ backend, missing, gflops, adapter, unfit }) => [
    backend === inUse ? `* ${backend}` : `  ${backend}`,
    missing ??
      [`${gflops!.toFixed(1)} GFLOP/s (matMul)`, adapter, unfit && `not automatic: ${unfit}`]
        .filter(Boolean)
        .join("; "),
  ]);
  const missing = backends.filter((report) => report.missing !== undefined);
  const get = cures(isCheckout());
  const lines = missing.map(({ backend }) => `  ${backend}: ${get[backend]}\n`);
  return (
    `node ${node}, TensorFlow.js ${tfjs}\n` +
    `memory ${formatBytes(memory.available)} available of ${formatBytes(memory.total)}\n\n` +
    `${columns(rows)}\n${inUseLine(diagnosis)}\n` +
    (missing.length > 0 ? `The missing ones, all optional, come by:\n${lines.join("")}` : "")
  );
}

function inUseLine({ asked, askedBy, inUse, backends }: Diagnosis): string {
  if (askedBy === undefined || asked === "auto")
    return `* is in use, the first that loads; NOTICE_BACKEND or --backend choose another.`;
  if (inUse) return `* is in use, because ${askedBy} says so.`;
  const known = backends.some(({ backend }) => backend === asked);
  return (
    `None is in use: ${askedBy} says ${asked}, which ${known ? "is missing" : "is no backend"}. Commands are refused; ` +
    `give auto, or ${known ? "get it" : `one of ${BACKENDS.join(", ")}`}.`
  );
}

/** GFLOP/s of the product that a BLIP-base text layer is made of; the plain JavaScript backend gets a smaller one. */
async function matMulRate(backend: Backend): Promise<number> {
  const [rows, width] = backend === "cpu" ? [64, 256] : [577, 768];
  const a = tf.randomNormal([rows, width]);
  const b = tf.randomNormal([width, width]);
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    const product = tf.matMul(a, b);
    await product.data();
    product.dispose();
    times.push(performance.now() - start);
  }
  tf.dispose([a, b]);
  const median = times.slice(1).sort((x, y) => x - y)[2]!;
  return (2 * rows * width * width) / median / 1e6;
}
