import { inUnitOf } from "../base/bytes.js";
import { NoticeError } from "../base/errors.js";
import type { ModelConfig } from "../checkpoint/format.js";
import { type WeightBits, weightCounts } from "../checkpoint/weights.js";
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

/** Whether TensorFlow.js takes its wasm with threads: in pages that share memory with nobody else. */
const hasThreads = () => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

/** A model before it is loaded. */
type Described = Pick<Network, "architecture"> & { readonly config: ModelConfig };

/** In how many tiles a picture is cut, and in how many bits matrices stand in memory; 1 and 32 by default. */
interface HeldAs {
  readonly tiles?: number;
  readonly bits?: WeightBits;
}

/** A bound in bytes and its name; `heap` where it bounds only what stands on the backend. */
export type MemoryLimit = readonly [what: string, bytes: number, of?: "heap"];

/** What a model takes, in bytes. */
interface ModelBytes {
  readonly weights: number;
  /** What running it takes beside them. */
  readonly working: number;
  /** Of the weights, what stands on the backend. */
  readonly resident: number;
}

/**
 * What a model takes: its weights; and what running it takes beside them: the values of one layer that sees the
 * picture, and the streams of a clean and a corrupted pass. Matrices in 16 bits stand outside the backend, one of them in
 * float32 at a time. An upper bound, checked against measured memory.
 */
export function modelBytes(model: Described, backend: Backend, { tiles = 1, bits = 32 }: HeldAs = {}): ModelBytes {
  const { architecture, config } = model;
  const { total, matrices, largest } = weightCounts(architecture.checkpoint, config);
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
  // XNNPACK keeps a copy of every matrix, and wasm with threads has no other products. Nor has a processor without
  // SIMD, which is not counted.
  const copies = backend === "wasm" && hasThreads() ? 2 : 1;
  const halves = bits === 16 ? matrices : 0;
  const resident = 4 * (total - halves) * copies;
  // TensorFlow copies a tensor out of JavaScript; the latest two are not collected yet.
  const uncollected = isNative(backend) ? 2 * largest : 0;
  // A matrix that was widened, and what JavaScript has not yet collected of it.
  const wide = halves > 0 ? 2 * largest : 0;
  const values = Math.max(layer, 2 * largest) + 2 * kept + uncollected + wide;
  return { weights: resident + 2 * halves, working: 4 * values + PROCESS_BYTES, resident };
}

/**
 * Refuses a model that would not fit, before any of it is read.
 *
 * @param limits of the backend, of the machine, of the caller.
 * @param as with the tiles of a picture as high as wide.
 * @returns what the tightest of them leaves for the values of patches, or undefined where there is none.
 * @throws NoticeError `memory` with the numbers.
 */
export function requireMemory(
  model: Described,
  checkpoint: string,
  backend: Backend,
  limits: readonly MemoryLimit[],
  as: HeldAs = {},
): number | undefined {
  const over = ([, bytes, of]: MemoryLimit, { weights, working, resident }: ModelBytes) =>
    (of === "heap" ? resident : weights) + working - bytes;
  const taken = modelBytes(model, backend, as);
  for (const limit of limits)
    if (over(limit, taken) > 0) {
      const said = inUnitOf(limit[1]);
      const whole = modelBytes(model, backend, { ...as, tiles: 1 });
      const uncut =
        (as.tiles ?? 1) > 1 && over(limit, whole) <= 0
          ? `Pictures are cut into ${as.tiles} tiles; whole (--no-split, split: false) it takes ${said(whole.working)} to run, and fits. `
          : "";
      const half =
        as.bits !== 16 && over(limit, modelBytes(model, backend, { ...as, bits: 16 })) <= 0
          ? "With weights in 16 bits (--bits 16, bits: 16) it fits. "
          : "";
      const { weights, working } = taken;
      throw new NoticeError(
        "memory",
        `${checkpoint} takes ${said(weights)} of weights and about ${said(working)} to run; ${limit[0]} has ` +
          `${said(limit[1])}. ${uncut}${half}Free memory, or use a native backend (\`notice doctor\`) or a smaller model.`,
      );
    }
  if (limits.length === 0) return undefined;
  const left = -Math.max(...limits.map((limit) => over(limit, taken)));
  return isNative(backend) ? left / NATIVE_SPREAD : left;
}
