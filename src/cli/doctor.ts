import { totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { BACKENDS, type Backend, tryBackend } from "../backend.js";
import { formatBytes } from "../files/bytes.js";
import { availableMemory } from "../files/memory.js";
import { checkOutputs, columns, type JsonOptions, printResult, withJson } from "./options.js";

const GET: Record<Backend, string> = {
  "node-gpu": "npm install @tensorflow/tfjs-node-gpu (needs an NVIDIA driver and CUDA 11)",
  node: "npm install @tensorflow/tfjs-node",
  wasm: "npm install vlm-notice again: it is a plain dependency",
  cpu: "npm install vlm-notice again: it is a plain dependency",
};

interface BackendReport {
  readonly backend: Backend;
  /** Why it cannot be used; undefined where it can. */
  readonly missing?: string;
  readonly gflops?: number;
}

/** `notice doctor`: what this machine has, what it lacks, and how to get it. */
export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "versions, backends and their speed, memory, what is missing and how to get it",
  );
  return withJson(command).action(async (options: JsonOptions) => {
    await checkOutputs({ "--json": options.json });
    const backends: BackendReport[] = [];
    for (const backend of BACKENDS) {
      const missing = await tryBackend(backend);
      backends.push(missing === undefined ? { backend, gflops: await matMulRate(backend) } : { backend, missing });
    }
    const inUse = backends.find(({ missing }) => missing === undefined)?.backend;
    const memory = { total: totalmem(), available: availableMemory() };
    const result = { node: process.version, tfjs: tf.version_core, inUse, backends, memory };
    await printResult(result, () => doctorTable(result), options);
  });
}

function doctorTable({
  node,
  tfjs,
  inUse,
  backends,
  memory,
}: {
  node: string;
  tfjs: string;
  inUse?: Backend;
  backends: BackendReport[];
  memory: { total: number; available: number };
}): string {
  const rows = backends.map(({ backend, missing, gflops }) => [
    backend === inUse ? `* ${backend}` : `  ${backend}`,
    missing ?? `${gflops!.toFixed(1)} GFLOP/s (matMul)`,
  ]);
  const missing = backends.filter((report) => report.missing !== undefined);
  const cures = missing.map(({ backend }) => `  ${backend}: ${GET[backend]}`).join("\n");
  return (
    `node ${node}, TensorFlow.js ${tfjs}\n` +
    `memory ${formatBytes(memory.available)} available of ${formatBytes(memory.total)}\n\n` +
    `${columns(rows)}\n* is what auto chooses; NOTICE_BACKEND or --backend choose another.\n` +
    (missing.length > 0 ? `All missing ones are optional:\n${cures}\n` : "")
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
