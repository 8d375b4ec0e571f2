import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Exclusion, PrepareContext, Prepared, Sample } from "../../src/data/sample.js";
import { temporaryFolder } from "./checkpoint.js";

/** A new folder with these files; an empty one for each path. */
export function folderOf(files: Record<string, string> | readonly string[]): string {
  const folder = temporaryFolder();
  const entries = Array.isArray(files) ? files.map((path) => [path, ""] as const) : Object.entries(files);
  for (const [path, content] of entries) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Word pieces of a made-up vocabulary: a word of more than six letters is two. */
export const pieces = (text: string): number =>
  text.split(/[^\p{L}]+/u).reduce((sum, word) => sum + (word.length > 6 ? 2 : Math.sign(word.length)), 0);

export const CONTEXT: PrepareContext = { pieces, seed: 1 };

/** Everything that a data set yields, each thing either a sample or an exclusion. */
export async function collect(items: AsyncIterable<Prepared>): Promise<{ samples: Sample[]; excluded: Exclusion[] }> {
  const found = { samples: [] as Sample[], excluded: [] as Exclusion[] };
  for await (const { sample, excluded } of items) {
    if ((sample === undefined) === (excluded === undefined)) throw new Error("neither or both");
    if (sample) found.samples.push(sample);
    else found.excluded.push(excluded!);
  }
  return found;
}

/** How many were excluded for each reason. */
export function reasons(excluded: readonly Exclusion[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of excluded) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
