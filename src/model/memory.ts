import type { Backend } from "../backend.js";
import { NoticeError } from "../errors.js";
import { type BlipConfig, imageTokens } from "./config.js";
import { weightBytes } from "./weights.js";

/** The largest heap that WebAssembly's 32-bit addresses allow tfjs: 4 GiB less one page. */
export const WASM_HEAP_BYTES = 4_294_901_760;

/** What compiled code and JavaScript's own heap grow by (measured: 25 to 55 MB). */
const PROCESS_BYTES = 64 * 1024 * 1024;

/** How much more than its values a pass takes on TensorFlow, since malloc keeps what was freed in pieces (measured: 2.2). */
const NATIVE_SPREAD = 2.5;

const isNative = (backend: Backend) => backend === "node" || backend === "node-gpu";

/**
 * What a model takes, in bytes: its weights in float32, twice on wasm (XNNPACK keeps a packed copy of what it has
 * multiplied by); and what running it takes beside them: the values of one vision layer, and the streams of a clean and a
 * corrupted pass. An upper bound, checked against measured memory.
 */
export function modelBytes(config: BlipConfig, backend: Backend): { weights: number; working: number } {
  const { vision, text } = config;
  const image = imageTokens(vision);
  const pattern = vision.num_attention_heads * image * image;
  // As many as one layer's `tidy` holds at once: scores, their copies in another order, the softmax; q, k, v, GELU's steps.
  const layer = image * (8 * vision.hidden_size + 6 * vision.intermediate_size) + 8 * pattern;
  const kept = image * vision.hidden_size * (vision.num_hidden_layers + 1 + 2 * text.num_hidden_layers);
  const largest = Math.max(text.vocab_size * text.hidden_size, 3 * vision.hidden_size ** 2);
  const weights = weightBytes(config) * (backend === "wasm" ? 2 : 1);
  // TensorFlow copies a tensor out of JavaScript; the latest two are not collected yet.
  const uncollected = isNative(backend) ? 2 * largest : 0;
  return { weights, working: 4 * (Math.max(layer, 2 * largest) + 2 * kept + uncollected) + PROCESS_BYTES };
}

/**
 * Refuses a model that would not fit, before any of it is read.
 *
 * @param limits named bounds in bytes: of the backend, of the machine, of the caller.
 * @returns what the tightest of them leaves for the values of patches, or undefined where there is none.
 * @throws NoticeError `memory` with the numbers.
 */
export function requireMemory(
  config: BlipConfig,
  checkpoint: string,
  backend: Backend,
  limits: readonly (readonly [string, number])[],
): number | undefined {
  const { weights, working } = modelBytes(config, backend);
  for (const [what, bytes] of limits)
    if (weights + working > bytes)
      throw new NoticeError(
        "memory",
        `${checkpoint} takes ${gigabytes(weights)} of weights and about ${gigabytes(working)} to run; ${what} has ` +
          `${gigabytes(bytes)}. Free memory, or use a native backend (\`notice doctor\`) or a smaller model.`,
      );
  if (limits.length === 0) return undefined;
  const left = Math.min(...limits.map(([, bytes]) => bytes)) - weights - working;
  return isNative(backend) ? left / NATIVE_SPREAD : left;
}

const gigabytes = (bytes: number) => `${Number((bytes / 1e9).toPrecision(3))} GB`;
