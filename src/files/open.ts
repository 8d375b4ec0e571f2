import type { CheckpointFiles } from "../base/source.js";
import type { Picture } from "../pictures/picture.js";
import type { HubOptions } from "./hub.js";

// Models and pictures by name: in Node, files. In a browser package.json puts open.browser.ts in the place of this
// file. Each part is loaded when it is first asked for.

/** A checkpoint by name, and the bytes that it and everything done with it may take, where that is known. */
export interface NamedModel {
  readonly files: CheckpointFiles;
  readonly memory: number | undefined;
}

/**
 * @param model a folder, or a hub id, which is downloaded unless it is in the cache.
 * @throws NoticeError `checkpoint`, `network`
 */
export async function openModel(model: string, hub?: HubOptions): Promise<NamedModel> {
  const { checkpointFolder } = await import("./folder.js");
  const { resolveModel } = await import("./hub.js");
  const { availableMemory } = await import("./memory.js");
  return { files: { ...checkpointFolder(await resolveModel(model, hub)), name: model }, memory: availableMemory() };
}

/** @throws NoticeError `image` */
export async function readPicture(path: string): Promise<Picture> {
  return (await import("./picture.js")).readPicture(path);
}
