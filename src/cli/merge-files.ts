import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf, parseJson } from "../base/json.js";
import { fileLines } from "../data/jsonl.js";
import { FORMS } from "../data/sample.js";
import { tasks } from "../data/scenes/scene.js";
import { readText } from "../files/read.js";
import { Scores } from "../patching/scores.js";
import { type SceneAnswers, wholeOf } from "../study/scene-accuracy.js";
import { checkPlaces, parseShard } from "../study/shard.js";
import { printAccuracy } from "./accuracy.js";
import { MAX_LINE_BYTES } from "./kept-results.js";
import { listShards } from "./list-shards.js";
import { checkOutputs, writeTo } from "./outputs.js";
import { printSwept, SweepMeans } from "./sweep-pairs.js";

/** Shards of `notice sweep --pairs` become the file of the whole list, with the means that the sweep prints. */
export async function mergeLists(out: string, files: readonly string[]): Promise<void> {
  await checkOutputs({ out });
  const [{ swept }] = (await listShards(files)) as [Awaited<ReturnType<typeof listShards>>[number]];
  const means = new SweepMeans();
  async function* lines(): AsyncGenerator<string> {
    for await (const line of byIndex(files)) {
      const { index: _, ...scores } = JSON.parse(line);
      means.add(Scores.from(scores));
      yield `${line}\n`;
    }
  }
  await writeTo(out, "jsonl", lines());
  await printSwept(swept, means, out, {});
}

/** Lines of several files, each in the order of its indices, in that of all. */
async function* byIndex(files: readonly string[]): AsyncGenerator<string> {
  const readers = files.map((file) => fileLines(file, MAX_LINE_BYTES)[Symbol.asyncIterator]());
  const next = async (reader: (typeof readers)[number]) => {
    const { value, done } = await reader.next();
    if (done || !value) return undefined;
    const line = new TextDecoder().decode(value);
    return { line, index: Number(/^\{"index":(\d+)/.exec(line)?.[1]), reader };
  };
  const heads = (await Promise.all(readers.map(next))).filter((head) => head !== undefined);
  while (heads.length > 0) {
    const at = heads.reduce((least, { index }, i) => (index < heads[least]!.index ? i : least), 0);
    const { line, reader } = heads[at]!;
    yield line;
    const after = await next(reader);
    if (after) heads[at] = after;
    else heads.splice(at, 1);
  }
}

const answers = z.strictObject({
  clean: z.array(z.string()),
  corrupt: z.array(z.string()),
  blank: z.array(z.string()),
});
const part = z.strictObject({
  model: z.string(),
  seed: z.number(),
  n: z.int().min(1),
  form: z.enum(FORMS),
  split: z.literal(false).optional(),
  bits: z.literal(16).optional(),
  shard: z.string().max(20),
  answers: z.array(answers).length(tasks.length),
});

/** Shards of `notice accuracy` become the result of the whole. */
export async function mergeAccuracy(out: string, files: readonly string[]): Promise<void> {
  await checkOutputs({ json: out });
  const parts = await Promise.all(files.map(readPart));
  const told = parts.map(({ shard }, i) => ({ name: files[i]!, shard: parseShard(shard) }));
  checkPlaces(told);
  const [first] = parts;
  const facts = ({ model, seed, n, form, split, bits }: z.infer<typeof part>) =>
    JSON.stringify([model, seed, n, form, split, bits]);
  const other = parts.findIndex((one) => facts(one) !== facts(first!));
  if (other > 0)
    throw new NoticeError(
      "options",
      `${files[0]} and ${files[other]} are of other models or scenes, or were loaded otherwise.`,
    );
  const ordered = told
    .map(({ shard }, i) => ({ at: shard.index, answers: parts[i]!.answers }))
    .sort((a, b) => a.at - b.at);
  const { model, seed, n, form } = first!;
  const of = (task: number, key: keyof SceneAnswers) =>
    wholeOf(
      ordered.map((one) => one.answers[task]![key]),
      n,
    );
  const whole = tasks.map((_, i) => ({ clean: of(i, "clean"), corrupt: of(i, "corrupt"), blank: of(i, "blank") }));
  await printAccuracy({ model, seed, n, form, answers: whole }, { json: out });
}

async function readPart(file: string): Promise<z.infer<typeof part>> {
  const json = parseJson(await readText(file), file, { code: "options", most: 100_000_000 });
  const { data, error } = part.safeParse(json, { reportInput: true });
  if (data) return data;
  throw new NoticeError("options", `${file} is no shard of \`notice accuracy\`: ${complaintsOf(error, "in all")}.`);
}
