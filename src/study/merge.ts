import { copyFile, cp, lstat, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkList, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { partialOf, removeLeftoversOf } from "../files/leftovers.js";
import { DATABASE, SCENES, SETTINGS } from "../files/run-files.js";
import { fileError, isFileError } from "../files/system-error.js";
import { makeFolder } from "../files/write.js";
import { type StoredSample, selectedSamples, unasked } from "./queries/samples.js";
import {
  attachOther,
  copyExclusions,
  copyRows,
  countAskedInBoth,
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
import { checkShards, type ShardedStage, shardOf } from "./shard-record.js";
import { nameOf } from "./stage.js";
import { Store } from "./store.js";
import { KEYS, type Table } from "./tables.js";
import { untested } from "./verify.js";

/** Tables of what was found in patched samples. */
const SCORES = ["passes", "scores", "attention"] as const satisfies readonly Table[];

/** What a stage splits among shards, and the tables that are whole in each and must be equal. */
const ROUNDS = {
  evaluate: { equal: ["samples"], added: [], computed: ["answers"] },
  patch: { equal: ["samples", "answers", "selected", "chosen"], added: SCORES, computed: ["patched", "verified"] },
  verify: {
    equal: ["samples", "answers", "selected", "chosen", ...SCORES],
    added: [],
    computed: ["verified"],
  },
} as const satisfies Record<
  ShardedStage,
  { readonly equal: readonly Table[]; readonly added: readonly Table[]; readonly computed: readonly Table[] }
>;

/** Which runs merge. */
export interface MergeOptions {
  /** Also runs that leave out samples, which the new run goes on with. Default: they are refused. */
  readonly partial?: boolean;
}

/**
 * Merges runs into a new one: copies of one run that asked about, patched or tested different shards of its samples.
 *
 * @returns how many samples the new run has asked about and patched, and how many are selected.
 * @throws NoticeError `options` where the new folder is there already; the runs have other settings, models, samples or
 * results of earlier stages; both did a sample; a shard is missing, double, unfinished or damaged.
 */
export async function mergeRuns(
  folder: string,
  runs: readonly string[],
  options: MergeOptions = {},
): Promise<{ asked: number; patched: number; selected: number }> {
  checkShape("mergeRuns", options, { such: "{ partial: true }", keys: ["partial"] });
  checkList("The list of mergeRuns", runs, '["runs/a", "runs/b"]');
  const [first, ...others] = runs;
  if (first === undefined || others.length === 0) throw new NoticeError("options", "Merging needs two runs or more.");
  if (await lstat(folder).catch(() => undefined))
    throw new NoticeError("options", `${folder} is there already; merge into a new folder.`);
  const told = await Promise.all(runs.map(async (run) => ({ folder: run, record: await shardOf(run) })));
  const hash = await hashOf(first);
  for (const run of others)
    if ((await hashOf(run)) !== hash)
      throw new NoticeError(
        "options",
        `${first} and ${run} were begun with other settings; only shards of one study merge.`,
      );
  if (!options.partial) checkShards(told);
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
  let stage: ShardedStage | undefined;
  {
    using store = await Store.open(join(folder, DATABASE), { others: others.map((run) => join(run, DATABASE)) });
    for (const run of others) stage = await addShard(store, first!, run);
  }
  using run = await StudyRun.reopen(folder);
  if (!partial) refuseGaps(await leftBy(run, stage!), stage!);
  const { store } = run;
  const [asked, patched] = [await countRows(store, "answers"), await countRows(store, "patched")];
  return { asked, patched, selected: await countRows(store, "selected") };
}

/** Samples that a stage has still to do. */
function leftBy(run: StudyRun, stage: ShardedStage): Promise<readonly StoredSample[]> {
  if (stage === "evaluate") return unasked(run.store, run.settings.candidates);
  return stage === "patch" ? selectedSamples(run.store, WHOLE, "patched") : untested(run);
}

const DONE: Record<ShardedStage, string> = { evaluate: "asked about", patch: "patched", verify: "tested" };

/** What is left out may be a shard that nobody named, or one that was interrupted. */
function refuseGaps(left: readonly StoredSample[], stage: ShardedStage): void {
  if (left.length === 0) return;
  const named = left.slice(0, 3).map(nameOf).join(", ");
  throw new NoticeError(
    "options",
    `${left.length} samples are ${DONE[stage]} in none of these runs: ${named}${left.length > 3 ? ", …" : ""}. ` +
      "Name all shards, finish those that were interrupted, or merge what is there (--partial).",
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

/** @returns the stage whose results were added. */
async function addShard(store: Store, first: string, run: string): Promise<ShardedStage> {
  const refuse = (what: string) => new NoticeError("options", `${first} and ${run} do not merge: ${what}.`);
  await attachOther(store, resolve(run, DATABASE)).catch((cause: Error) => {
    throw refuse(`the second cannot be opened (${cause.message.split("\n")[0]})`);
  });
  try {
    if ((await countModels(store)) > 1) throw refuse("their models have other weights");
    const stage = await stageOf(store);
    const { equal, added, computed } = ROUNDS[stage];
    await checkSame(store, equal, refuse);
    await refuseDoubles(store, stage, refuse);
    await store.transaction(async () => {
      await copyRows(store, added, computed);
      if (stage !== "verify") await copyExclusions(store, stage);
    });
    return stage;
  } finally {
    await detachOther(store);
  }
}

/** How far both have come: nothing is selected before all are asked, or tested before all are patched. */
async function stageOf(store: Store): Promise<ShardedStage> {
  if ((await countRows(store, "selected")) + (await countRows(store, "patched")) === 0) return "evaluate";
  const both = await countShared(store, "patched", "dataset, sample");
  return both > 0 && (await countUnpatchedInEither(store)) === 0 ? "verify" : "patch";
}

async function refuseDoubles(store: Store, stage: ShardedStage, refuse: (what: string) => NoticeError): Promise<void> {
  const asked = stage === "evaluate" ? await countAskedInBoth(store) : 0;
  if (asked > 0) throw refuse(`both asked about ${asked} of the samples`);
  const patched = stage === "patch" ? await countShared(store, "patched", "dataset, sample") : 0;
  if (patched > 0) throw refuse(`both patched ${patched} of the samples`);
  const tested = await countShared(store, "verified", KEYS.verified!);
  if (tested > 0) throw refuse(`both tested ${tested} of the pairs`);
}

async function checkSame(store: Store, tables: readonly Table[], refuse: (what: string) => NoticeError): Promise<void> {
  for (const table of tables) {
    // Rows may be computed by different machines, but must say the same.
    const columns = table === "answers" ? "dataset, sample, answer, is_correct" : "*";
    const different = await countDifferences(store, table, columns);
    if (different > 0) throw refuse(`their ${table} differ in ${different} rows`);
  }
}
