import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readParts } from "./read.js";

/** What a checkpoint's config and weights are told by: 16 hexadecimal digits, of any folder that holds the same. */
export async function modelDigest(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name === "config.json" || name.endsWith(".safetensors"));
  const hash = createHash("sha256");
  for (const name of names.sort()) {
    hash.update(`${name}\0`);
    for await (const part of readParts(join(folder, name))) hash.update(part);
  }
  return hash.digest("hex").slice(0, 16);
}
