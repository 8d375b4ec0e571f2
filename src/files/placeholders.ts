import { createHash } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import { extname, join } from "node:path";
import { MAX_FILE_BYTES } from "../pictures/decode.js";
import { readBytes } from "./read.js";
import { fileError } from "./system-error.js";
import { makeFolder } from "./write.js";

/** One picture in so many files is no accident: some web sites send it in the place of all that are gone. */
export const MANY_FILES = 3;

/** Names the bytes of a file; undefined where it has none, too many, or cannot be read. */
export async function contentOf(file: string): Promise<string | undefined> {
  const bytes = await readBytes(file, { most: MAX_FILE_BYTES }).catch(() => undefined);
  return bytes?.length ? createHash("sha256").update(bytes).digest("base64") : undefined;
}

/** Ids that got one picture. */
type Placeholder = readonly string[];

/**
 * Moves pictures that came from three addresses or more, or are known from before, out of `folder/images` into
 * `folder/placeholders`.
 *
 * @param urls where the ids' pictures came from.
 * @returns by id the ids that got the same picture at this time.
 * @throws NoticeError `options` where they cannot be moved.
 */
export async function setPlaceholdersAside(
  folder: string,
  urls: ReadonlyMap<string, string>,
): Promise<Map<string, Placeholder>> {
  const [images, aside] = [join(folder, "images"), join(folder, "placeholders")];
  const known = new Set<string | undefined>();
  for (const name of await readdir(aside).catch(() => [])) known.add(await contentOf(join(aside, name)));
  const alike = new Map<string, { ids: string[]; names: string[]; from: Set<string> }>();
  for (const name of await readdir(images)) {
    const id = name.slice(0, -extname(name).length);
    const url = urls.get(id);
    const content = url === undefined ? undefined : await contentOf(join(images, name));
    if (content === undefined) continue;
    const group = alike.get(content) ?? { ids: [], names: [], from: new Set() };
    group.ids.push(id);
    group.names.push(name);
    group.from.add(url!);
    alike.set(content, group);
  }
  const found = new Map<string, Placeholder>();
  for (const [content, { ids, names, from }] of alike) {
    if (from.size < MANY_FILES && !known.has(content)) continue;
    await makeFolder(aside);
    for (const name of names)
      await rename(join(images, name), join(aside, name)).catch((cause) => {
        throw fileError(join(images, name), "moved", cause);
      });
    for (const id of ids) found.set(id, ids);
  }
  return found;
}
