import { checkShape } from "../base/options.js";
import type { CheckpointFiles } from "../base/source.js";
import { type ArchitectureName, NAMES } from "../model/architectures.js";
import { filesOf, LOAD_KEYS, type LoadOptions, readModel } from "../model/load.js";
import { type Blip, Model } from "./model.js";

/** Loads a BLIP for question answering. @throws NoticeError as `loadModel` */
export async function loadBlip(model: string | CheckpointFiles, options: LoadOptions = {}): Promise<Blip> {
  checkShape("loadBlip", options, { such: '{ backend: "wasm" }', keys: LOAD_KEYS });
  return loadModel(model, { ...options, architecture: "blip-vqa" });
}

/**
 * Loads a Hugging Face checkpoint.
 *
 * @param model a folder (in a browser: its address), a hub id (`Salesforce/blip-vqa-base`; from the cache, or
 * downloaded; not in a browser), or files from elsewhere.
 * @throws NoticeError `checkpoint` also where it is not of the architecture that is asked for; `memory`, `backend`,
 * `network`
 * @example using model = await loadModel("weights/scenes");
 */
export async function loadModel<A extends ArchitectureName>(
  model: string | CheckpointFiles,
  options: LoadOptions & { readonly architecture: A },
): Promise<Model<A>>;
export async function loadModel(model: string | CheckpointFiles, options?: LoadOptions): Promise<Model>;
export async function loadModel(
  model: string | CheckpointFiles,
  given: LoadOptions & { readonly architecture?: ArchitectureName } = {},
): Promise<Model> {
  checkShape("loadModel", given, { such: '{ backend: "wasm" }', keys: [...LOAD_KEYS, "architecture"] });
  const { architecture, ...options } = given;
  const { files, memory } = await filesOf(model, options);
  const expected = architecture === undefined ? NAMES : [architecture];
  const loaded = await readModel(files, { ...options, memory: options.memory ?? memory }, expected);
  return new Model(files.name, loaded, options.warn);
}
