import { NoticeError } from "../base/errors.js";
import { keysOf } from "../base/options.js";
import type { CheckpointFiles } from "../base/source.js";
import { refuseAdapter } from "../checkpoint/adapter.js";
import { readTensors } from "../checkpoint/checkpoint.js";
import { loadWeights } from "../checkpoint/weights.js";
import type { HubOptions } from "../files/hub.js";
import { openModel } from "../files/open.js";
import { type ImageProcessor, loadImageProcessor } from "../pictures/pixels.js";
import { type Backend, useBackend } from "../platform/backend.js";
import type { Reader } from "../words/reader.js";
import { loadTokenizer, type Tokenizer } from "../words/tokenizer.js";
import type { Learned, Network } from "./architecture.js";
import { type ArchitectureName, type ArchitectureOf, readConfig } from "./architectures.js";
import { type MemoryLimit, requireMemory, WASM_HEAP_BYTES } from "./memory.js";

/** What a model is loaded with. */
export interface LoadOptions {
  /** `auto` (the default, or the environment's NOTICE_BACKEND), `node-gpu`, `webgpu`, `node`, `wasm` or `cpu`. */
  readonly backend?: Backend | "auto";
  /**
   * Bytes that the model and everything done with it may take, looked at when it is loaded. Default: what the machine
   * has available; two models count the same memory.
   */
  readonly memory?: number;
  /** Where and how a hub id is downloaded. */
  readonly hub?: HubOptions;
  /**
   * Told of mistakes in a checkpoint that were repaired; of pairs whose clean run does not give the correct answer,
   * answers that are read by a part, and questions that say nothing. Default: the console.
   */
  readonly warn?: (message: string) => void;
  /** Cut pictures into tiles, where a model can. Default: as the checkpoint says. */
  readonly split?: boolean;
  /**
   * In how many bits the matrices stand in memory, 16 or 32 (the default). With 16 they take half: as the checkpoint
   * has them where it has 16 bits (results are the same), else rounded to float16. They are widened to float32 when a
   * layer computes.
   */
  readonly bits?: 16 | 32;
}

export const LOAD_KEYS = keysOf<LoadOptions>({
  ...{ backend: true, memory: true, hub: true, warn: true, split: true, bits: true },
});

/** All that a checkpoint holds, its weights on the backend. */
export interface Loaded extends Network {
  readonly tokenizer: Tokenizer;
  readonly processor: ImageProcessor;
  /** Of a model that has the picture among its words. */
  readonly reader?: Reader;
  readonly backend: Backend;
  /** Bytes left for the values of passes. */
  readonly memory: number | undefined;
}

/** The same of an architecture that is known, with its config and weights as it has them. */
export interface LoadedModel<A extends ArchitectureName = ArchitectureName> extends Loaded {
  readonly architecture: Network["architecture"] & { readonly name: A };
  readonly config: Learned["config"] & LearnedOf<A>["config"];
  readonly weights: Learned["weights"] & LearnedOf<A>["weights"];
}

type LearnedOf<A extends ArchitectureName> = Parameters<ArchitectureOf<A>["readout"]["logits"]>[0];

/** Whether a loaded model is of an architecture. */
export function isOf<A extends ArchitectureName>(loaded: Loaded, name: A): loaded is LoadedModel<A> {
  return loaded.architecture.name === name;
}

/** What a checkpoint is, without its weights. @throws NoticeError `checkpoint` */
export async function readFacts(files: CheckpointFiles, warn?: LoadOptions["warn"]): Promise<Omit<Network, "weights">> {
  await refuseAdapter(files);
  const json = await files.text("config.json");
  if (json === undefined)
    throw new NoticeError("checkpoint", `${files.name} has no config.json: it is not a checkpoint.`);
  const generation = await files.text("generation_config.json");
  return readConfig(json, `${files.name}/config.json`, warn, generation);
}

/**
 * Reads a checkpoint, having made sure that the model fits. The caller disposes of the weights.
 *
 * @param expected the architectures of which it may be. *
 * @throws NoticeError `checkpoint`, `memory`, `backend`, `options`
 */
export async function readModel<A extends ArchitectureName>(
  files: CheckpointFiles,
  { backend, memory, warn, split, bits = 32 }: LoadOptions,
  expected: readonly A[],
): Promise<LoadedModel<A>> {
  const { architecture, config } = await readFacts(files, warn);
  const asked: readonly string[] = expected;
  if (!asked.includes(architecture.name))
    throw new NoticeError(
      "checkpoint",
      `${files.name} is a ${architecture.name}, and ${asked.join(" or ")} was asked for.`,
    );
  const reader = await architecture.intake.reader?.(files, config, { split });
  const tokenizer = reader?.tokenizer ?? (await loadTokenizer(files));
  const processor = reader?.processor ?? (await loadImageProcessor(files));
  const { side } = architecture.intake.image(config);
  if (processor.size.height !== side || processor.size.width !== side)
    throw new NoticeError(
      "checkpoint",
      `${files.name}: its image processor makes pictures of ${processor.size.width} x ${processor.size.height}, and the ` +
        `model in config.json takes ${side} x ${side}.`,
    );
  if (memory !== undefined && !(memory > 0))
    throw new NoticeError(
      "options",
      `memory is ${JSON.stringify(memory)}; a number of bytes was expected, such as 3e9.`,
    );
  if (bits !== 16 && bits !== 32)
    throw new NoticeError("options", `bits is ${JSON.stringify(bits)}; 16 or 32 was expected.`);
  const used = await useBackend(backend);
  const limits: MemoryLimit[] = used === "wasm" ? [["the wasm backend's heap", WASM_HEAP_BYTES, "heap"]] : [];
  if (memory !== undefined) limits.push(["the memory allowed", memory]);
  const { rows, columns } = reader?.square ?? { rows: 0, columns: 0 };
  const as = { tiles: rows * columns + 1, bits };
  const left = requireMemory({ architecture, config }, files.name, used, limits, as);
  const told = { name: files.name, warn };
  const weights = await loadWeights(architecture.checkpoint, config, await readTensors(files), told, bits);
  const loaded: Loaded = { architecture, config, weights, tokenizer, processor, reader, backend: used, memory: left };
  for (const name of expected) if (isOf(loaded, name)) return loaded;
  throw new Error(`${architecture.name} is not among ${asked}.`);
}

/** What is opened by its name, or was. @throws NoticeError `checkpoint` where it is neither, `network` */
export async function filesOf(model: string | CheckpointFiles, { hub }: LoadOptions) {
  if (typeof model === "string") return openModel(model, hub);
  if (typeof model?.text !== "function")
    throw new NoticeError("checkpoint", "A model was expected: a folder, a hub id such as owner/name, or its files.");
  return { files: model, memory: undefined };
}
