import type { ByteSource, CheckpointFiles } from "../src/base/source.js";

/** Which weights, without them. */
export interface KnownWeights {
  readonly file: string;
  readonly bytes: number;
  readonly checksum: number;
}

/** FNV-1a of bytes: tells weights apart, and needs no secure address as the browser's digests do. */
export function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** So much of a file of weights tells it from others: training changes all. */
const TOLD_BY = 1 << 20;

/** The files, of which the weights are compared with those of the page's example and study while they are read. */
export function watched(files: CheckpointFiles, weights?: KnownWeights) {
  let same = false;
  const parts = new Map<string, string>();
  const bytes: CheckpointFiles["bytes"] = async (name) => {
    const found = await files.bytes(name);
    if (found && name === weights?.file && found.size === weights.bytes)
      same = checksum(await found.read(0, found.size)) === weights.checksum;
    if (found && name.endsWith(".safetensors")) parts.set(name, await identityOf(found));
    return found;
  };
  const seen: CheckpointFiles = { name: files.name, text: (name) => files.text(name), bytes };
  return { files: seen, isEmbedded: () => same, identity: () => [...parts.values()].sort().join(" ") };
}

async function identityOf(source: ByteSource): Promise<string> {
  const { size } = source;
  return `${size}-${checksum(await source.read(Math.max(0, size - TOLD_BY), size))}`;
}
