import { inUnitOf } from "../base/bytes.js";
import { NoticeError } from "../base/errors.js";
import type { ModelConfig } from "../checkpoint/format.js";
import { weightCounts } from "../checkpoint/weights.js";
import type { Backend } from "../platform/backend.js";
import type { Network } from "./architecture.js";

/** The largest heap that WebAssembly's 32-bit addresses allow tfjs: 4 GiB less one page. */
export const WASM_HEAP_BYTES = 4_294_901_760;

/** What compiled code and JavaScript's own heap grow by (measured: 25 to 55 MB). */
const PROCESS_BYTES = 64 * 1024 * 1024;

/**
 * How much more than its values a pass takes on TensorFlow, since malloc keeps what was freed in pieces (measured:
 * 2.2).
 */
const NATIVE_SPREAD = 2.5;

const isNative = (backend: Backend) => backend === "node" || backend === "node-gpu";

/** A model before it is loaded. */
export type Described = Pick<Network, "architecture"> & { readonly config: ModelConfig };

/**
 * What a model takes, in bytes: its weights in float32, twice on wasm (XNNPACK keeps a packed copy of what it has
 * multiplied by); and what running it takes beside them: the values of one layer that sees the picture, and the streams
 * of a clean and a corrupted pass. An upper bound, checked against measured memory.
 *
 * @param tiles into which a picture is cut.
 */
export function modelBytes(model: Described, backend: Backend, tiles = 1): { weights: number; working: number } {
  const { architecture, config } = model;
  const { total, largest } = weightCounts(architecture.checkpoint, config);
  let [layer, kept] = [0, 0];
  for (const tower of Object.values(architecture.towers)) {
    const { layers, heads, width, mlpWidth } = tower.size(config);
    const attended = tower.attends && architecture.towers[tower.attends.tower]!;
    if (tower.tokens === "image") {
      const [image, own] = [tower.names(config, tiles).length, tower.names(config).length];
      // As many as one layer's `tidy` holds at once: scores, their copies in another order, the softmax; q, k, v,
      // GELU's steps.
      layer = Math.max(layer, image * (8 * width + 6 * mlpWidth) + 8 * heads * own * own);
      kept += image * width * (layers + 1);
    } else if (attended?.tokens === "image") kept += 2 * attended.names(config).length * width * layers;
  }
  const weights = 4 * total * (backend === "wasm" ? 2 : 1);
  // TensorFlow copies a tensor out of JavaScript; the latest two are not collected yet.
  const uncollected = isNative(backend) ? 2 * largest : 0;
  return { weights, working: 4 * (Math.max(layer, 2 * largest) + 2 * kept + uncollected) + PROCESS_BYTES };
}

/**
 * Refuses a model that would not fit, before any of it is read.
 *
 * @param limits named bounds in bytes: of the backend, of the machine, of the caller.
 * @param tiles into which a picture as high as wide is cut.
 * @returns what the tightest of them leaves for the values of patches, or undefined where there is none.
 * @throws NoticeError `memory` with the numbers.
 */
export function requireMemory(
  model: Described,
  checkpoint: string,
  backend: Backend,
  limits: readonly (readonly [string, number])[],
  tiles = 1,
): number | undefined {
  const { weights, working } = modelBytes(model, backend, tiles);
  for (const [what, bytes] of limits)
    if (weights + working > bytes) {
      const said = inUnitOf(bytes);
      const whole = modelBytes(model, backend);
      const uncut =
        tiles > 1 && whole.weights + whole.working <= bytes
          ? `Pictures are cut into ${tiles} tiles; whole (--no-split, split: false) it takes ${said(whole.working)} to run, and fits. `
          : "";
      throw new NoticeError(
        "memory",
        `${checkpoint} takes ${said(weights)} of weights and about ${said(working)} to run; ${what} has ${said(bytes)}. ` +
          `${uncut}Free memory, or use a native backend (\`notice doctor\`) or a smaller model.`,
      );
    }
  if (limits.length === 0) return undefined;
  const left = Math.min(...limits.map(([, bytes]) => bytes)) - weights - working;
  return isNative(backend) ? left / NATIVE_SPREAD : left;
}
