import { rm, stat, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { formatBytes } from "../base/bytes.js";
import { NoticeError } from "../base/errors.js";
import { sum } from "../base/mean.js";
import { checkpointFolder } from "./folder.js";
import type { Reply } from "./http.js";
import {
  cachedSnapshot,
  hubCacheFolder,
  type ModelId,
  missingFiles,
  modelFolder,
  parseModelId,
  pointAt,
  shardNames,
  snapshotFolder,
  WEIGHTS_INDEX,
  writeRef,
} from "./hub-cache.js";
import { type Hub, type Listing, listed, listModel, requestError, wantedFiles } from "./hub-listing.js";
import { withLock } from "./lock.js";
import { isCheckpoint, meantFolder } from "./meant-folder.js";
import { orShipped } from "./package.js";
import { PATIENT, type Retry, type Waiting } from "./retry.js";
import { fileError, isFileError } from "./system-error.js";
import { isSound, remember } from "./verified-blob.js";
import { downloadVerified, type RemoteFile } from "./verified-file.js";
import { makeFolder } from "./write.js";

/** Bytes of the whole download that are on disk, and the file they were just added to. */
export interface DownloadProgress {
  readonly file: string;
  readonly done: number;
  readonly total: number;
}

/** What is left out comes from the environment: HF_HUB_CACHE or HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE. */
export interface HubOptions extends Waiting {
  readonly cache?: string;
  readonly endpoint?: string;
  readonly token?: string;
  readonly offline?: boolean;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** The longest silence of a connection, milliseconds. */
  readonly timeoutMs?: number;
  readonly retry?: Retry;
}

/**
 * The folder of a checkpoint. A folder is returned as it is and never touches the network; so is the package's own
 * `weights/scenes`, from any working directory. A hub id, `owner/name` or `owner/name@revision`, is its snapshot in the
 * hub's cache, downloaded first unless the cache has all of it.
 * @throws NoticeError "checkpoint" if `model` is neither; those of `download`.
 */
export async function resolveModel(model: string, options: HubOptions = {}): Promise<string> {
  const path = orShipped(model);
  const status = await stat(path).catch(() => undefined);
  if (status?.isDirectory()) {
    const instead = (await isCheckpoint(path)) ? "" : await meantInstead(model);
    if (instead !== "")
      throw new NoticeError("checkpoint", `"${model}" has no config.json: it is no checkpoint${instead}`);
    return path;
  }
  const id = status ? undefined : parseModelId(model);
  if (!id) {
    const found = status ? "is a file, not a folder" : "is no folder here";
    throw new NoticeError(
      "checkpoint",
      `"${model}" ${found}, and no hub id either (owner/name or owner/name@revision)${await meantInstead(model)}`,
    );
  }
  const snapshot = await cachedSnapshot(options.cache ?? hubCacheFolder(), id);
  const missing = snapshot ? await missingFiles(snapshot, options) : [];
  if (snapshot && missing.length === 0) return snapshot;
  const meant = snapshot || model.includes("@") ? "" : await meantInstead(model);
  if (meant !== "") {
    const fromHub = `To take it from the hub, give ${model}@main`;
    throw new NoticeError("checkpoint", `"${model}" is no folder here${meant} ${fromHub}`);
  }
  try {
    return await download(model, options);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    const lacks = missing.length > 0 ? ` (there without ${missing.join(", ")})` : "";
    throw new NoticeError(
      error.code,
      `no folder "${model}" here, and not in the hub's cache${lacks}; as a hub id: ${error.message}`,
      { cause: error },
    );
  }
}

async function meantInstead(model: string): Promise<string> {
  const meant = await meantFolder(model);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/**
 * Bring a model's files into the hub's cache, in the layout that Python's huggingface_hub reads, and return the
 * snapshot folder. Only what loading needs: config, processor, tokenizer and safetensors. Blobs that are there already
 * are kept; partial ones are continued. The revision's ref is written last, so that it names a whole snapshot.
 * @throws NoticeError "checkpoint": not an id, no config or no safetensors in the repository, a damaged index;
 * "network": offline, refused, damaged on the way, or the disk is full.
 */
export async function download(model: string, options: HubOptions = {}): Promise<string> {
  const id = parseModelId(model);
  if (!id) throw new NoticeError("checkpoint", `"${model}" is no hub id: expected owner/name or owner/name@revision`);
  const cache = options.cache ?? hubCacheFolder();
  if (options.offline ?? isOn(process.env.HF_HUB_OFFLINE)) {
    throw new NoticeError("network", `${model}: HF_HUB_OFFLINE forbids the download into ${cache}`);
  }
  const hub = hubOf(options);
  const listing = await listModel(hub, id);
  const names = wantedFiles(listing, id);
  const snapshot = snapshotFolder(cache, id, listing.commit);
  const lock = join(cache, ".locks", basename(modelFolder(cache, id)), "notice.lock");
  try {
    const fill = async () => {
      await fillSnapshot({ id, cache, snapshot, hub, listing, options }, names);
      await writeRef(cache, id, listing.commit);
    };
    await withLock(lock, fill, options);
  } catch (error) {
    if (!isFileError(error)) throw error;
    const { message } = fileError(cache, "written", error, "network");
    throw new NoticeError("network", `${message} HF_HUB_CACHE names another place; what came is kept.`, {
      cause: error,
    });
  }
  return snapshot;
}

interface Job {
  readonly id: ModelId;
  readonly cache: string;
  readonly snapshot: string;
  readonly hub: Hub;
  readonly listing: Listing;
  readonly options: HubOptions;
}

async function fillSnapshot(job: Job, names: string[]): Promise<void> {
  const { id, listing, snapshot } = job;
  let files = names.map((name) => listed(listing, name, id));
  if (names.includes(WEIGHTS_INDEX)) {
    await fetchFiles(job, [listed(listing, WEIGHTS_INDEX, id)], () => {});
    const shards = shardNames((await checkpointFolder(snapshot).text(WEIGHTS_INDEX)) ?? "");
    if (!shards) throw new NoticeError("checkpoint", `${id.name}: ${WEIGHTS_INDEX} names no files, or files elsewhere`);
    files = [...files, ...shards.map((name) => listed(listing, name, id))];
  }
  await fetchFiles(job, files, job.options.onProgress ?? (() => {}));
}

async function fetchFiles(job: Job, files: RemoteFile[], report: (progress: DownloadProgress) => void): Promise<void> {
  const blobs = join(modelFolder(job.cache, job.id), "blobs");
  await makeFolder(blobs);
  const blobOf = (file: RemoteFile) => join(blobs, file.digest.hex);
  const lacking = new Map<RemoteFile, number>();
  for (const file of files) {
    if ((await fileSize(blobOf(file))) === file.size) {
      if (await isSound(blobOf(file), job.options)) continue;
      await rm(blobOf(file));
    }
    lacking.set(file, file.size - Math.min(file.size, (await fileSize(`${blobOf(file)}.incomplete`)) ?? 0));
  }
  await checkSpace(blobs, sum([...lacking.values()]));

  const total = sum(files.map(({ size }) => size));
  let before = total - sum([...lacking.keys()].map(({ size }) => size));
  for (const file of files) {
    if (lacking.has(file)) {
      const onBytes = (bytes: number) => report({ file: file.name, done: before + bytes, total });
      const errorOf = (reply: Reply) => requestError(job.hub, job.id, reply);
      await downloadVerified(file, blobOf(file), { ...job.hub, onBytes, errorOf });
      await remember(blobOf(file));
      before += file.size;
    }
    await pointAt(blobOf(file), join(job.snapshot, file.name));
  }
}

async function checkSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (needed <= bavail * bsize) return;
  throw new NoticeError(
    "network",
    `${folder}: ${formatBytes(needed)} to download, ${formatBytes(bavail * bsize)} free on this disk. ` +
      "Free some space, or choose another disk with HF_HUB_CACHE",
  );
}

function hubOf(options: HubOptions): Hub {
  const endpoint = (options.endpoint ?? (process.env.HF_ENDPOINT || "https://huggingface.co")).replace(/\/+$/, "");
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new NoticeError(
      "network",
      "HF_ENDPOINT is not an address like https://huggingface.co (without user or password)",
    );
  }
  const token = options.token ?? (process.env.HF_TOKEN?.trim() || undefined);
  // fetch would print the header that it cannot send.
  if (token && !/^[\x21-\x7e]+$/.test(token)) {
    throw new NoticeError("network", "HF_TOKEN has spaces or characters that no token has: copy it again");
  }
  return {
    endpoint,
    token,
    timeoutMs: options.timeoutMs ?? 30_000,
    retry: options.retry ?? PATIENT,
    signal: options.signal,
    onWait: options.onWait,
    quietMs: options.quietMs,
  };
}

function isOn(value: string | undefined): boolean {
  return ["1", "on", "yes", "true"].includes(value?.toLowerCase() ?? "");
}

async function fileSize(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
