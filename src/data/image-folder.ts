import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { isPictureName } from "../pictures/decode.js";

/**
 * A data set's folder by kinds of what lies in it, each in one order on every machine. Hidden things are passed over.
 */
interface Listing {
  /** Names of pictures, going by their endings. */
  readonly images: readonly string[];
  readonly folders: readonly string[];
  readonly others: readonly string[];
}

/** @throws NoticeError `options` where it is no folder, or may not be read. */
export async function listFolder(folder: string): Promise<Listing> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "no such folder" : cause.code === "ENOTDIR" ? "it is a file" : cause.message;
    throw new NoticeError("options", `There is no data set in ${folder}: ${why}.`, { cause });
  });
  const listing = { images: [] as string[], folders: [] as string[], others: [] as string[] };
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const linked = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : undefined;
    const kind = linked ?? entry;
    if (kind.isDirectory()) listing.folders.push(entry.name);
    else if (kind.isFile() && isPictureName(entry.name)) listing.images.push(entry.name);
    else listing.others.push(entry.name);
  }
  for (const names of Object.values(listing)) names.sort();
  return listing;
}

/** How many pictures lie in a folder and a few levels below it, in words. */
export async function countedPictures(folder: string): Promise<string> {
  const count = await countPictures(folder, 3);
  return `${count} picture${count === 1 ? "" : "s"}`;
}

async function countPictures(folder: string, levels: number): Promise<number> {
  const { images, folders } = await listFolder(folder);
  let count = images.length;
  if (levels > 0) for (const name of folders) count += await countPictures(join(folder, name), levels - 1);
  return count;
}

/**
 * A sample's id of its keys: different keys give different ids, in letters, digits, `-`, `_`, `.`. A space becomes two
 * dots; a key of other characters is written as `_x` and its bytes in UTF-8.
 *
 * @example sampleId("big star", "00012", "jpg") // big..star.00012.jpg
 */
export function sampleId(...keys: string[]): string {
  const isPlain = (key: string) => /^(?!_x)[\w-]+( [\w-]+)*$/.test(key);
  return keys
    .map((key) => (isPlain(key) ? key.replaceAll(" ", "..") : `_x${Buffer.from(key).toString("hex")}`))
    .join(".");
}

/** The id of an image file under these keys. Its ending counts: one name may be there as PNG and as JPEG. */
export function imageId(keys: readonly string[], file: string): string {
  const ending = extname(file);
  return sampleId(...keys, file.slice(0, -ending.length), ending.slice(1));
}
