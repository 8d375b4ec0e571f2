import { createHash } from "node:crypto";
import { NoticeError } from "../../base/errors.js";
import { readPictureFile } from "../../files/picture.js";

// A job's input as JSON: its pictures travel beside it, by digest, each once.

/** Where a picture may stand as a path. */
const PICTURES: ReadonlySet<string> = new Set(["image", "images", "corruptImage", "mask"]);

/** No input is deeper, nor has more parts. */
const DEEPEST = 16;
const MOST_PARTS = 1_000_000;

/** An input, and the bytes that it names by their sha256. */
interface Parcel {
  readonly input: unknown;
  readonly pictures: ReadonlyMap<string, Uint8Array>;
}

/** Bytes by their digest. */
interface Reference {
  readonly $bytes: string;
}

/** What stands for nothing but bytes. */
const isReference = (value: object): value is Reference => "$bytes" in value && Object.keys(value).length === 1;

/** @throws NoticeError `options` for a function, or what is too deep. */
export async function pack(input: unknown): Promise<Parcel> {
  const pictures = new Map<string, Uint8Array>();
  const keep = (bytes: Uint8Array): Reference => {
    const digest = digestOf(bytes);
    pictures.set(digest, bytes);
    return { $bytes: digest };
  };
  const packed = await walk(input, async (value, key) => {
    if (typeof value === "string" && PICTURES.has(key)) return fileAt(value, keep);
    if (ArrayBuffer.isView(value)) return keep(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (typeof value === "function")
      throw new NoticeError("options", `${key || "The input"} is a function, which cannot be sent; give plain data.`);
    return undefined;
  });
  return { input: packed, pictures };
}

/** Whoever needs a picture that is missing says so, as for a file of its own. */
async function fileAt(file: string, keep: (bytes: Uint8Array) => Reference): Promise<object> {
  try {
    return { file, bytes: keep(await readPictureFile(file)) };
  } catch (error) {
    if (error instanceof NoticeError) return { file, refused: error.message };
    throw error;
  }
}

/**
 * The input again. A path in it is refused: what comes from a queue reads no file here.
 *
 * @param fetch the bytes of a digest.
 * @throws NoticeError `options`; what `fetch` throws.
 */
export function unpack(packed: unknown, fetch: (digest: string) => Promise<Uint8Array>): Promise<unknown> {
  return walk(packed, async (value, key) => {
    if (typeof value === "string" && PICTURES.has(key))
      throw new NoticeError("options", `${key} is a path; in a queue a picture is named by its digest alone.`);
    if (typeof value !== "object" || value === null || !isReference(value)) return undefined;
    if (!/^[0-9a-f]{64}$/.test(`${value.$bytes}`))
      throw new NoticeError("options", `${key} names no digest: ${JSON.stringify(`${value.$bytes}`.slice(0, 80))}.`);
    return fetch(value.$bytes);
  });
}

export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A copy, in which `change` puts something in the place of a value, or leaves it by undefined. */
async function walk(root: unknown, change: (value: unknown, key: string) => Promise<unknown>): Promise<unknown> {
  let parts = 0;
  const copy = async (value: unknown, key: string, depth: number): Promise<unknown> => {
    if (depth > DEEPEST || ++parts > MOST_PARTS)
      throw new NoticeError("options", `An input is deeper than ${DEEPEST}, or has more than ${MOST_PARTS} parts.`);
    const changed = await change(value, key);
    if (changed !== undefined) return changed;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const item of value) items.push(await copy(item, key, depth + 1));
      return items;
    }
    const made: [string, unknown][] = [];
    for (const [name, part] of Object.entries(value)) made.push([name, await copy(part, name, depth + 1)]);
    return Object.fromEntries(made);
  };
  return copy(root, "", 0);
}

/** JSON has no -0, and results are compared to the bit. */
const MINUS_ZERO = { $number: "-0" } as const;

/** A result as JSON, to the bit. */
export const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (Object.is(part, -0) ? MINUS_ZERO : part));

/** What `exactJson` wrote, parsed: -0 again. */
export const exactly = (json: string): unknown =>
  JSON.parse(json, (_, part) => (typeof part === "object" && part?.$number === "-0" ? -0 : part));
