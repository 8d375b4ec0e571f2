import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { Option } from "commander";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { fileDigest, findFile } from "../files/read.js";
import { writeWhole } from "../files/write.js";
import { checkPlaces, parseShard, type Shard, shardName } from "../study/shard.js";
import { readRecord } from "../study/shard-record.js";

// A shard of a list is a file of results, and beside it what it is a part of.

/** `--shard`, of commands whose result is one file. */
export const shardOption = (what: string): Option =>
  new Option(
    "--shard <i/n>",
    `only part i of n of ${what}, or auto in a scheduler's array; \`notice merge\` puts the files together`,
  );

const record = z.strictObject({
  shard: z.string().max(20),
  /** What it is a part of: the list, the model and what was asked. */
  of: z.string().max(64),
  /** SHA-256 of the results. */
  file: z.string().max(64),
  swept: z.strictObject({
    ...{ model: z.string(), site: z.string(), direction: z.string(), mode: z.string() },
    shuffled: z.number().optional(),
  }),
});
type ListRecord = Omit<z.infer<typeof record>, "shard"> & { readonly shard: Shard };

const recordOf = (out: string) => `${out}.shard.json`;

/** Says beside a file of results that it is a whole shard. */
export async function finishList(out: string, shard: Shard, of: object, swept: ListRecord["swept"]): Promise<void> {
  const digest = createHash("sha256").update(JSON.stringify(of)).digest("hex");
  const made = { shard: shardName(shard), of: digest, file: await fileDigest(out), swept };
  await writeWhole(recordOf(out), `${JSON.stringify(made)}\n`);
}

export const forgetList = (out: string): Promise<void> => rm(recordOf(out), { force: true });

/** The records of a list's shards. @throws NoticeError `options` where one is missing, double, changed or strange. */
export async function listShards(files: readonly string[]): Promise<ListRecord[]> {
  const found: ListRecord[] = [];
  for (const file of files) {
    const place = recordOf(file);
    if (!(await findFile(place)))
      throw new NoticeError("options", `${file} is no finished shard of a list: there is no ${place}.`);
    const data = await readRecord(place, record, 100_000);
    if ((await fileDigest(file)) !== data.file)
      throw new NoticeError(
        "options",
        `${file} is not as it was when its shard was done: it was changed, or is damaged.`,
      );
    found.push({ ...data, shard: parseShard(data.shard) });
  }
  checkPlaces(found.map(({ shard }, i) => ({ name: files[i]!, shard })));
  const other = found.findIndex(({ of }) => of !== found[0]!.of);
  if (other > 0)
    throw new NoticeError("options", `${files[0]} and ${files[other]} are of other lists, models or sweeps.`);
  return found;
}
