import { copyFile, mkdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, relative } from "node:path";
import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { checkpointFolder } from "./folder.js";
import type { Waiting } from "./retry.js";
import { isSound } from "./verified-blob.js";

/** A model on the hub: `revision` is a branch, a tag or a commit. */
export interface ModelId {
  readonly name: string;
  readonly revision: string;
}

/** Files that a folder may hold beside its weights, in the order of download. */
export const SMALL_FILES = [
  "config.json",
  "preprocessor_config.json",
  "processor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
  "special_tokens_map.json",
  "added_tokens.json",
] as const;

/** What a checkpoint must have besides weights: one file of each row. */
export const NEEDED = [
  ["config.json"],
  ["preprocessor_config.json", "processor_config.json"],
  ["tokenizer.json", "vocab.txt"],
] as const satisfies (typeof SMALL_FILES)[number][][];
export const WEIGHTS = "model.safetensors";
export const WEIGHTS_INDEX = "model.safetensors.index.json";

export const COMMIT = /^[0-9a-f]{40}$/;
const NAME = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9_][\w.-]{0,95}$/;
const REVISION = /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*)*$/;
const SHARD = /^[A-Za-z0-9_][\w.-]*\.safetensors$/;

/** `owner/name` or `owner/name@revision`; undefined for everything else, in particular what could leave the cache. */
export function parseModelId(text: string): ModelId | undefined {
  const [, name = "", revision = "main"] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? [];
  const tame = (part: string) => part.length <= 200 && !part.includes("..");
  if (!NAME.test(name) || !tame(name) || name.includes("--")) return undefined;
  return REVISION.test(revision) && tame(revision) ? { name, revision } : undefined;
}

/** HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub: where Python's huggingface_hub looks too. */
export function hubCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || "~/.cache", "huggingface");
  return (env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub")).replace(/^~(?=$|[\\/])/, homedir());
}

/** `models--owner--name` in the cache, with `blobs/`, `snapshots/COMMIT/` and `refs/`. */
export function modelFolder(cache: string, id: ModelId): string {
  return join(cache, `models--${id.name.replace("/", "--")}`);
}

export function snapshotFolder(cache: string, id: ModelId, commit: string): string {
  return join(modelFolder(cache, id), "snapshots", commit);
}

/** The snapshot folder that the cache has for this revision, whole or not; undefined if it has none. */
export async function cachedSnapshot(cache: string, id: ModelId): Promise<string | undefined> {
  if (COMMIT.test(id.revision)) return snapshotFolder(cache, id, id.revision);
  const ref = join(modelFolder(cache, id), "refs", id.revision);
  // Whoever opens a pipe waits for its other end.
  if (!(await stat(ref).catch(() => undefined))?.isFile()) return undefined;
  const commit = await readFile(ref, "utf8").catch(() => "");
  return COMMIT.test(commit.trim()) ? snapshotFolder(cache, id, commit.trim()) : undefined;
}

/**
 * What a snapshot lacks of a whole checkpoint, in words; empty if nothing. A link to a deleted blob counts as lacking,
 * and so does a damaged file.
 */
export async function missingFiles(snapshot: string, waiting: Waiting = {}): Promise<string[]> {
  const missing: string[] = [];
  const has = async (name: string) => {
    const path = join(snapshot, name);
    if (!(await stat(path).catch(() => undefined))?.isFile()) return false;
    if (!(await isSound(await realpath(path), waiting))) missing.push(`${name} undamaged`);
    return true;
  };
  const there = new Set<string>();
  for (const name of SMALL_FILES) if (await has(name)) there.add(name);
  for (const names of NEEDED) if (!names.some((name) => there.has(name))) missing.push(names[0]);
  if (await has(WEIGHTS)) return missing;
  if (!(await has(WEIGHTS_INDEX))) return [...missing, WEIGHTS];
  const shards = shardNames((await checkpointFolder(snapshot).text(WEIGHTS_INDEX)) ?? "");
  if (!shards) return [...missing, WEIGHTS_INDEX];
  for (const name of shards) if (!(await has(name))) missing.push(name);
  return missing;
}

/**
 * The distinct shard files of a `model.safetensors.index.json`; undefined if it is not one or names a file elsewhere.
 */
export function shardNames(index: string): string[] | undefined {
  let map: unknown;
  try {
    map = (parseJson(index, WEIGHTS_INDEX) as { weight_map?: unknown } | null)?.weight_map;
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    return undefined;
  }
  if (typeof map !== "object" || map === null) return undefined;
  const names = new Set<unknown>(Object.values(map));
  const valid = [...names].filter((name): name is string => typeof name === "string" && SHARD.test(name));
  return valid.length > 0 && valid.length === names.size ? valid : undefined;
}

/**
 * Make `pointer` name the blob: a relative link, so that the cache can be moved; a copy where links are not allowed.
 * One process at a time may, so what is written beside it has one name, and what a kill left there the next call takes
 * away.
 */
export async function pointAt(blob: string, pointer: string): Promise<void> {
  const beside = `${pointer}.part`;
  await mkdir(dirname(pointer), { recursive: true });
  await rm(beside, { force: true });
  await symlink(relative(dirname(pointer), blob), beside).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPERM" && error.code !== "ENOTSUP" && error.code !== "ENOSYS") throw error;
    await copyFile(blob, beside);
  });
  await rename(beside, pointer);
}

/** Make the revision name the commit. One process at a time, as `pointAt`. */
export async function writeRef(cache: string, id: ModelId, commit: string): Promise<void> {
  if (COMMIT.test(id.revision)) return;
  const ref = join(modelFolder(cache, id), "refs", id.revision);
  const beside = `${ref}.part`;
  await mkdir(dirname(ref), { recursive: true });
  await rm(beside, { force: true });
  await writeFile(beside, commit);
  await rename(beside, ref);
}
