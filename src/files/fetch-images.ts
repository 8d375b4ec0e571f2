import { setMaxListeners } from "node:events";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { mapStream } from "../base/stream.js";
import { isPictureName } from "../pictures/decode.js";
import { type Failure, type Manifest, readManifest, writeManifest } from "./fetch-manifest.js";
import { type FetchLimits, imageFetcher, type RemoteImage } from "./image-fetcher.js";
import { removeLeftovers } from "./leftovers.js";
import { setPlaceholdersAside } from "./placeholders.js";
import type { Waiting } from "./retry.js";
import { makeFolder } from "./write.js";

export interface FetchImagesOptions extends Partial<FetchLimits>, Waiting {
  /** Pictures at a time. */
  readonly concurrency?: number;
  /** Also those that failed for good before: not found, no picture. What failed in passing is tried again anyway. */
  readonly retryFailed?: boolean;
  /** Stops at once; what is there stays, and the next call goes on from it. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What the folder has afterwards. */
export type FetchSummary = Omit<Manifest, "failures">;

const SAVE_EVERY = 500;

/**
 * Brings pictures into `folder/images/ID.jpg` (.png, .webp, .gif, .bmp). Only files that can be decoded are kept, each
 * written beside its place and renamed. `folder/manifest.json` counts the missing ones by reason and lists them; it is
 * written now and then and at the end, after `signal` too. What three addresses or more give is a placeholder for
 * pictures that are gone: at the end it is moved to `folder/placeholders`, and counts as missing.
 *
 * @param images with different ids.
 * @throws NoticeError `options` where the folder may not be written to; the signal's reason.
 */
export async function fetchImages(
  images: readonly RemoteImage[],
  folder: string,
  { concurrency = 16, retryFailed = false, signal, onProgress, onWait, quietMs, ...limits }: FetchImagesOptions = {},
): Promise<FetchSummary> {
  const below = join(folder, "images");
  await makeFolder(below);
  for (const one of [below, folder]) await removeLeftovers(one);
  const present = await idsIn(below);
  const failures = await readManifest(folder);
  const wanted = images.filter(({ id, url }) => {
    const failure = failures.get(id);
    return !present.has(id) && (!failure || failure.transient || failure.url !== url || retryFailed);
  });
  const fetchImage = imageFetcher(below, limits, { onWait, quietMs });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every connection listens
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  let done = images.length - wanted.length;
  try {
    signal?.throwIfAborted();
    onProgress?.(done, images.length);
    const take = (image: RemoteImage) => fetchImage(image, stop.signal);
    for await (const { id, failure } of mapStream(wanted, take, { width: concurrency, ordered: false })) {
      if (failure) failures.set(id, failure);
      else present.add(id);
      onProgress?.(++done, images.length);
      if (done % SAVE_EVERY === 0) await writeManifest(folder, manifestOf(images, present, failures));
    }
    await leaveOutPlaceholders(folder, images, present, failures);
  } finally {
    signal?.removeEventListener("abort", abort);
    stop.abort();
    await writeManifest(folder, manifestOf(images, present, failures));
  }
  const { failures: _, ...summary } = manifestOf(images, present, failures);
  return summary;
}

async function leaveOutPlaceholders(
  folder: string,
  images: readonly RemoteImage[],
  present: Set<string>,
  failures: Map<string, Failure>,
): Promise<void> {
  const urls = new Map(images.filter(({ url }) => URL.canParse(url)).map(({ id, url }) => [id, url]));
  for (const [id, ids] of await setPlaceholdersAside(folder, urls)) {
    const detail = `one picture for ${ids.length} ids, such as ${ids.slice(0, 3).join(", ")}; it is in placeholders/`;
    present.delete(id);
    failures.set(id, { id, url: urls.get(id)!, reason: "placeholder", detail, transient: false });
  }
}

async function idsIn(folder: string): Promise<Set<string>> {
  const names = (await readdir(folder)).filter(isPictureName);
  return new Set(names.map((name) => name.slice(0, -extname(name).length)));
}

function manifestOf(images: readonly RemoteImage[], present: Set<string>, known: Map<string, Failure>): Manifest {
  const lacking = images.filter(({ id }) => !present.has(id));
  const failures = lacking.flatMap(({ id }) => known.get(id) ?? []);
  const missing: Record<string, number> = {};
  for (const { reason } of failures) missing[reason] = (missing[reason] ?? 0) + 1;
  const untried = lacking.length - failures.length;
  if (untried > 0) missing["not tried yet"] = untried;
  return { images: images.length, present: images.length - lacking.length, missing, failures };
}
