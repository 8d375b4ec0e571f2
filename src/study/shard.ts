import { NoticeError } from "../base/errors.js";

/** One of `count` parts of the selected samples, those at places `index`, `index + count`, … */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export const WHOLE: Shard = { index: 0, count: 1 };

/** `0/3`. @throws NoticeError `options` */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d{1,6})\/(\d{1,6})$/.exec(text.trim()) ?? [];
  const shard = { index: Number(index), count: Number(count) };
  if (index === undefined || shard.index >= shard.count)
    throw new NoticeError(
      "options",
      `The shard ${JSON.stringify(text.slice(0, 80))} is none; such as 0/3, 1/3 and 2/3 were expected.`,
    );
  return shard;
}
