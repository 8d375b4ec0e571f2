import { type Backend, useBackend } from "./backend.js";
import { NoticeError } from "./errors.js";
import type { HubOptions } from "./files/hub.js";
import type { BlipModel } from "./model/blip.js";
import { type CheckpointFiles, readTensors } from "./model/checkpoint.js";
import { parseConfig } from "./model/config.js";
import { requireMemory, WASM_HEAP_BYTES } from "./model/memory.js";
import { type ImageProcessor, loadImageProcessor } from "./model/pixels.js";
import { loadTokenizer, type Tokenizer } from "./model/tokenizer.js";
import { loadWeights } from "./model/weights.js";

/** What a model is loaded with. */
export interface LoadOptions {
  /** `auto` (the default, or the environment's NOTICE_BACKEND), `node-gpu`, `node`, `wasm` or `cpu`. */
  readonly backend?: Backend | "auto";
  /**
   * Bytes that the model and everything done with it may take, looked at when it is loaded. Default: what the machine has
   * available; two models count the same memory.
   */
  readonly memory?: number;
  /** Where and how a hub id is downloaded. */
  readonly hub?: HubOptions;
  /** Told of mistakes in a checkpoint that were repaired. Default: the console. */
  readonly warn?: (message: string) => void;
}

/** All that a checkpoint holds, its weights on the backend. */
export interface LoadedModel extends BlipModel {
  readonly tokenizer: Tokenizer;
  readonly processor: ImageProcessor;
  readonly backend: Backend;
  /** Bytes left for the values of passes. */
  readonly memory: number | undefined;
}

/**
 * Reads a checkpoint, having made sure that the model fits. The caller disposes of the weights.
 *
 * @throws NoticeError `checkpoint`, `memory`, `backend`, `options`
 */
export async function readModel(files: CheckpointFiles, { backend, memory, warn }: LoadOptions): Promise<LoadedModel> {
  const json = await files.text("config.json");
  if (json === undefined)
    throw new NoticeError("checkpoint", `${files.name} has no config.json: it is not a checkpoint.`);
  const config = parseConfig(json, `${files.name}/config.json`, warn);
  const tokenizer = await loadTokenizer(files);
  const processor = await loadImageProcessor(files);
  const { image_size } = config.vision;
  if (processor.size.height !== image_size || processor.size.width !== image_size)
    throw new NoticeError(
      "checkpoint",
      `${files.name}: preprocessor_config.json makes pictures of ${processor.size.width} x ${processor.size.height}, and the ` +
        `model in config.json takes ${image_size} x ${image_size}.`,
    );
  if (memory !== undefined && !(memory > 0))
    throw new NoticeError(
      "options",
      `memory is ${JSON.stringify(memory)}; a number of bytes was expected, such as 3e9.`,
    );
  const used = await useBackend(backend);
  const limits: [string, number][] = used === "wasm" ? [["the wasm backend's heap", WASM_HEAP_BYTES]] : [];
  if (memory !== undefined) limits.push(["the memory allowed", memory]);
  const left = requireMemory(config, files.name, used, limits);
  const weights = await loadWeights(config, await readTensors(files), files.name);
  return { config, weights, tokenizer, processor, backend: used, memory: left };
}
