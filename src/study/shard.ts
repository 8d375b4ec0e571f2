import { NoticeError } from "../base/errors.js";

/** One of `count` parts of what a stage goes through: samples at places `index`, `index + count`, … */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 0, count: 1 };

/** Variables of a process. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Of a task of an array: which task, the first of them, and how many or the last. */
interface Scheduler {
  readonly task: string;
  readonly first?: string;
  readonly count?: string;
  readonly last?: string;
}

const SCHEDULERS: readonly Scheduler[] = [
  { task: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN", count: "SLURM_ARRAY_TASK_COUNT" },
  { task: "LSB_JOBINDEX", last: "LSB_JOBINDEX_END" },
  { task: "SGE_TASK_ID", first: "SGE_TASK_FIRST", last: "SGE_TASK_LAST" },
  // PBS says no count.
  { task: "PBS_ARRAY_INDEX", first: "NOTICE_FIRST_SHARD", count: "NOTICE_SHARDS" },
];

/** The shard of this task of a scheduler's array, whose indices follow one another. @throws NoticeError `options` */
function scheduledShard(env: Environment): Shard {
  for (const { task, first = "", count = "", last = "" } of SCHEDULERS) {
    const number = (name: string) => (/^\d{1,6}$/.test(env[name] ?? "") ? Number(env[name]) : undefined);
    const index = number(task);
    if (index === undefined) continue;
    // LSF counts from 1.
    const from = number(first) ?? (task === "LSB_JOBINDEX" ? 1 : 0);
    const end = number(last);
    const tasks = number(count) ?? (end === undefined ? undefined : end - from + 1);
    if (tasks !== undefined && index >= from && index - from < tasks) return { index: index - from, count: tasks };
    throw new NoticeError(
      "options",
      `${task} is ${index}, and ${count || last} ${JSON.stringify(env[count || last] ?? null)}: that is no task of an array ` +
        "whose indices follow one another. Give --shard i/n.",
    );
  }
  throw new NoticeError(
    "options",
    `--shard auto is for a task of an array: none of ${SCHEDULERS.map(({ task }) => task).join(", ")} is set. Give --shard i/n.`,
  );
}

/** `0/3` */
export const shardName = ({ index, count }: Shard): string => `${index}/${count}`;

/** `0/3`, or `auto` in a task of an array of Slurm, LSF, SGE or PBS. @throws NoticeError `options` */
export function parseShard(text: string, env: Environment = process.env): Shard {
  if (text.trim() === "auto") return scheduledShard(env);
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim()) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index === undefined || shard.index >= shard.count)
    throw new NoticeError(
      "options",
      `The shard ${JSON.stringify(text.slice(0, 80))} is none; such as 0/3, 1/3 and 2/3 were expected.`,
    );
  return shard;
}

/** Makes sure that shards are all of one whole, each once. @throws NoticeError `options`: what is missing or double. */
export function checkPlaces(shards: readonly { readonly name: string; readonly shard: Shard }[]): void {
  const refuse = (what: string) => new NoticeError("options", `The shards do not merge: ${what}.`);
  const places = new Map<number, string>();
  const [first] = shards;
  const { count } = first!.shard;
  for (const { name, shard } of shards) {
    if (shard.count !== count) throw refuse(`${first!.name} is one of ${count}, and ${name} one of ${shard.count}`);
    const same = places.get(shard.index);
    if (same !== undefined) throw refuse(`${same} and ${name} are both ${shardName(shard)}`);
    places.set(shard.index, name);
  }
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !places.has(index));
  if (missing.length === 0) return;
  const named = missing.slice(0, 10).map((index) => shardName({ index, count }));
  throw refuse(`${named.join(", ")}${missing.length > 10 ? ", …" : ""} ${missing.length === 1 ? "is" : "are"} missing`);
}
