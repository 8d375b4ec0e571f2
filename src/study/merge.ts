import { copyFile, cp, lstat, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkList, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { partialOf, removeLeftoversOf } from "../files/leftovers.js";
import { DATABASE, SCENES, SETTINGS } from "../files/run-files.js";
import { fileError, isFileError } from "../files/system-error.js";
import { makeFolder } from "../files/write.js";
import { selectedSamples } from "./queries/samples.js";
import {
  attachOther,
  copyExclusions,
  copyRows,
  countDifferences,
  countModels,
  countRows,
  countShared,
  countUnpatchedInEither,
  detachOther,
} from "./queries/shards.js";
import { StudyRun } from "./run.js";
import { settingsHash } from "./settings.js";
import { WHOLE } from "./shard.js";
import { nameOf } from "./stage.js";
import { Store } from "./store.js";
import { KEYS, type Table } from "./tables.js";

/** Tables that are complete in every shard and must be equal. */
const SHARED = ["samples", "answers", "selected", "chosen"] as const satisfies readonly Table[];

/** Tables of what was found in patched samples. */
const SCORES = ["passes", "scores", "attention"] as const satisfies readonly Table[];

/** Which runs merge. */
export interface MergeOptions {
  /** Also runs that leave out samples, which the new run patches when it goes on. Default: they are refused. */
  readonly partial?: boolean;
}

/**
 * Merges runs into a new one: runs that patched different shards of one selection, or copies of one whole run that
 * tested circuits on different shards.
 *
 * @returns how many samples the new run has patched, and how many are selected.
 * @throws NoticeError `options` where the new folder is there already, or the runs have other settings, models, samples
 * or answers, or both patched one sample, or tested one pair, or none patched a sample.
 */
export async function mergeRuns(
  folder: string,
  runs: readonly string[],
  options: MergeOptions = {},
): Promise<{ patched: number; selected: number }> {
  checkShape("mergeRuns", options, { such: "{ partial: true }", keys: ["partial"] });
  checkList("The list of mergeRuns", runs, '["runs/a", "runs/b"]');
  const [first, ...others] = runs;
  if (first === undefined || others.length === 0) throw new NoticeError("options", "Merging needs two runs or more.");
  if (await lstat(folder).catch(() => undefined))
    throw new NoticeError("options", `${folder} is there already; merge into a new folder.`);
  const hash = await hashOf(first);
  for (const run of others)
    if ((await hashOf(run)) !== hash)
      throw new NoticeError(
        "options",
        `${first} and ${run} were begun with other settings; only shards of one study merge.`,
      );
  const beside = partialOf(folder);
  await removeLeftoversOf(folder);
  try {
    await rm(beside, { recursive: true, force: true });
    await copyRun(first, beside);
    const counts = await addShards(beside, runs, options);
    await rename(beside, folder);
    return counts;
  } catch (error) {
    throw isFileError(error) ? fileError(folder, "written", error) : error;
  } finally {
    await rm(beside, { recursive: true, force: true }).catch(() => {});
  }
}

async function addShards(folder: string, [first, ...others]: readonly string[], { partial }: MergeOptions) {
  using store = await Store.open(join(folder, DATABASE), { others: others.map((run) => join(run, DATABASE)) });
  for (const run of others) await addShard(store, first!, run);
  if (!partial) await refuseGaps(store);
  return { patched: await countRows(store, "patched"), selected: await countRows(store, "selected") };
}

/** What is left out may be a shard that nobody named, or one that was interrupted. */
async function refuseGaps(store: Store): Promise<void> {
  const unpatched = await selectedSamples(store, WHOLE, "patched");
  if (unpatched.length === 0) return;
  const named = unpatched.slice(0, 3).map(nameOf).join(", ");
  throw new NoticeError(
    "options",
    `${unpatched.length} of ${await countRows(store, "selected")} selected samples are patched in none of these runs: ${named}` +
      `${unpatched.length > 3 ? ", …" : ""}. Name all shards, finish those that were interrupted, or merge what is there (--partial).`,
  );
}

/** Opens the run once, which checks it and applies what a crash left in the database's log. */
async function hashOf(folder: string): Promise<string> {
  using run = await StudyRun.reopen(folder);
  return settingsHash(run.settings);
}

/** Copies the folder without the files that were made from its scores. */
async function copyRun(run: string, to: string): Promise<void> {
  await makeFolder(to);
  for (const name of await readdir(run)) {
    const [from, into] = [join(run, name), join(to, name)];
    if (name === SCENES) await cp(from, into, { recursive: true });
    else if ([SETTINGS, DATABASE, `${DATABASE}.wal`].includes(name)) await copyFile(from, into);
  }
}

async function addShard(store: Store, first: string, run: string): Promise<void> {
  const refuse = (what: string) => new NoticeError("options", `${first} and ${run} do not merge: ${what}.`);
  await attachOther(store, resolve(run, DATABASE)).catch((cause: Error) => {
    throw refuse(`the second cannot be opened (${cause.message.split("\n")[0]})`);
  });
  try {
    await checkSame(store, SHARED, refuse);
    if ((await countModels(store)) > 1) throw refuse("their models have other weights");
    const both = await countShared(store, "patched", "dataset, sample");
    // Copies of one whole run, in which other samples were tested.
    const copies = both > 0 && (await countUnpatchedInEither(store)) === 0;
    if (both > 0 && !copies) throw refuse(`both patched ${both} of the samples`);
    if (copies) await checkSame(store, SCORES, refuse);
    const tested = await countShared(store, "verified", KEYS.verified!);
    if (tested > 0) throw refuse(`both tested ${tested} of the pairs`);
    await store.transaction(async () => {
      await copyRows(store, copies ? [] : SCORES, copies ? ["verified"] : ["patched", "verified"]);
      if (!copies) await copyExclusions(store);
    });
  } finally {
    await detachOther(store);
  }
}

async function checkSame(store: Store, tables: readonly Table[], refuse: (what: string) => NoticeError): Promise<void> {
  for (const table of tables) {
    // Rows may be computed by different machines, but must say the same.
    const columns = table === "answers" ? "dataset, sample, answer, is_correct" : "*";
    const different = await countDifferences(store, table, columns);
    if (different > 0) throw refuse(`their ${table} differ in ${different} rows`);
  }
}
