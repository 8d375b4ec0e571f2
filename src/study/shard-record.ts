import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf, parseJson } from "../base/json.js";
import { fileDigest, findFile, readText } from "../files/read.js";
import { DATABASE, SHARD } from "../files/run-files.js";
import { writeWhole } from "../files/write.js";
import { checkPlaces, parseShard, type Shard, shardName } from "./shard.js";

/** Stages that are split among shards. */
export const SHARDED = ["evaluate", "patch", "verify"] as const;
export type ShardedStage = (typeof SHARDED)[number];

const record = z.strictObject({
  shard: z.string().max(20),
  stage: z.enum(SHARDED),
  /** SHA-256 of the database. */
  database: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What a finished shard says of itself. */
interface ShardRecord {
  readonly shard: Shard;
  readonly stage: ShardedStage;
}

/** Says in a run's folder that its shard of a stage is done; the run is closed. */
export async function finishShard(folder: string, shard: Shard, stage: ShardedStage): Promise<void> {
  const made = { shard: shardName(shard), stage, database: await digestOf(folder) };
  await writeWhole(join(folder, SHARD), `${JSON.stringify(made)}\n`);
}

/** Work goes on in a run's folder. */
export const forgetShard = (folder: string): Promise<void> => rm(join(folder, SHARD), { force: true });

/**
 * What is said in a run's folder that is not open; undefined where no shard is done.
 *
 * @throws NoticeError `options` where the database is another than was said.
 */
export async function shardOf(folder: string): Promise<ShardRecord | undefined> {
  const file = join(folder, SHARD);
  if (!(await findFile(file))) return undefined;
  const { shard, stage, database } = await readRecord(file, record, 10_000);
  if ((await digestOf(folder)) !== database)
    throw new NoticeError(
      "options",
      `${join(folder, DATABASE)} is not as it was when its shard was done: it is damaged, or was changed. Do the shard again.`,
    );
  return { shard: parseShard(shard), stage };
}

/** Of its database. Whoever closes a file gives up all locks of its process on it, so it must not be open here. */
const digestOf = (folder: string): Promise<string> => fileDigest(join(folder, DATABASE));

/** What a finished shard says of itself. @throws NoticeError `options` where the file says none. @param most bytes */
export async function readRecord<Said>(file: string, said: z.ZodType<Said>, most: number): Promise<Said> {
  const json = parseJson(await readText(file, { most }), file, { code: "options" });
  const { data, error } = said.safeParse(json, { reportInput: true });
  if (!data) throw new NoticeError("options", `${file} is no record of a shard: ${complaintsOf(error!, "in all")}.`);
  return data;
}

/**
 * Makes sure that finished shards are all of one stage, each once. Runs none of which says anything are compared by
 * what they hold alone.
 *
 * @throws NoticeError `options` with what is missing or double.
 */
export function checkShards(runs: readonly { readonly folder: string; readonly record: ShardRecord | undefined }[]) {
  const told = runs.flatMap(({ folder, record }) => (record ? [{ folder, ...record }] : []));
  const [first] = told;
  if (!first) return;
  const refuse = (what: string) => new NoticeError("options", `The shards do not merge: ${what}.`);
  const unfinished = runs.filter(({ record }) => !record).map(({ folder }) => folder);
  if (unfinished.length > 0)
    throw refuse(
      `${unfinished.join(", ")} ${unfinished.length === 1 ? "is" : "are"} not finished; give the shard again`,
    );
  const other = told.find(({ stage }) => stage !== first.stage);
  if (other) throw refuse(`${first.folder} is of the stage ${first.stage}, and ${other.folder} of ${other.stage}`);
  checkPlaces(told.map(({ folder, shard }) => ({ name: folder, shard })));
}
