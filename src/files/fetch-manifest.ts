import { join } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { findFile, readText } from "./read.js";
import { writeWhole } from "./write.js";

const MANIFEST = "manifest.json";
const MAX_BYTES = 256 * 1024 * 1024;
/** Those of a million failures. */
const MAX_VALUES = 8_000_000;

const failure = z.object({
  id: z.string(),
  url: z.string(),
  /** What it is counted by: `HTTP 404`, `no answer`, … */
  reason: z.string(),
  detail: z.string(),
  /** It may pass: tried again by the next run. */
  transient: z.boolean(),
});
export type Failure = z.infer<typeof failure>;

const listSchema = z.object({ failures: z.array(z.unknown()) });

/** What a folder of fetched pictures lacks, and why. */
export interface Manifest {
  readonly images: number;
  readonly present: number;
  /** How many are missing, by reason. */
  readonly missing: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

/** The failures of earlier runs by id. @throws NoticeError `options` where the file is none of ours. */
export async function readManifest(folder: string): Promise<Map<string, Failure>> {
  const file = join(folder, MANIFEST);
  const options = { most: MAX_BYTES };
  try {
    if (!(await findFile(file, options))) return new Map();
    const { failures } = listSchema.parse(parseJson(await readText(file, options), file, { most: MAX_VALUES }));
    // One by one: of a million that are none the first is enough.
    return new Map(failures.map((one) => failure.parse(one)).map((one) => [one.id, one]));
  } catch (cause) {
    const what = `${file} is no manifest of fetched pictures: ${(cause as Error).message.slice(0, 200)}`;
    throw new NoticeError("options", `${what}. Move it away; the pictures that are there are kept.`, { cause });
  }
}

/** @throws NoticeError `options` where it cannot be written. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeWhole(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
}
