import { NoticeError } from "../base/errors.js";
import type { Form } from "../data/sample.js";
import { size } from "../data/scenes/canvas.js";
import { draw, type Sample, sampleAt, type Task } from "../data/scenes/scene.js";
import { isTrueAt, putScene } from "../data/scenes/sentences.js";
import type { Executor } from "../executors/executor.js";
import type { Picture } from "../pictures/picture.js";
import type { Shard } from "./shard.js";

/** What a model answers to the same questions about each picture, its minimal pair, and an even grey. */
export interface SceneAnswers {
  readonly clean: readonly string[];
  readonly corrupt: readonly string[];
  readonly blank: readonly string[];
}

/** Shares of 1. */
interface SceneAccuracy {
  readonly scenes: number;
  readonly accuracy: number;
  readonly aspects: Readonly<Record<string, number>>;
  /** Right about the picture, and the other alternative about its minimal pair. */
  readonly flips: number;
  /** Right by chance: the picture is an even grey. */
  readonly blank: number;
}

/** The questions that a seed asks: one a scene; or as many sentences, half of them false, or beginnings of captions. */
export function sceneSamples(task: Task, count: number, seed: number, as: Form = "question"): Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const sample = sampleAt(task, seed, index);
    const { question, answers } = putScene(sample, as, isTrueAt(index));
    return { ...sample, question, answers };
  });
}

const batch = 100;

/** A shard's items of a list: whole batches, so that each is asked about beside the same others as without shards. */
export function partOf<Item>(items: readonly Item[], { index, count }: Shard): Item[] {
  return items.filter((_, at) => Math.floor(at / batch) % count === index);
}

/** The list again, of the parts of all shards in their order. @throws NoticeError `options` where one is too short. */
export function wholeOf<Item>(parts: readonly (readonly Item[])[], size: number): Item[] {
  const places = parts.map(() => 0);
  return Array.from({ length: size }, (_, at) => {
    const from = Math.floor(at / batch) % parts.length;
    const item = parts[from]![places[from]!++];
    if (item === undefined) throw new NoticeError("options", `Shard ${from}/${parts.length} has too few answers.`);
    return item;
  });
}
const grey: Picture = { width: size, height: size, data: new Uint8Array(size * size * 3).fill(128) };

const PICTURES: Record<keyof SceneAnswers, (sample: Sample) => Picture> = {
  clean: ({ scene }) => draw(scene).picture,
  corrupt: ({ corrupt }) => draw(corrupt).picture,
  blank: () => grey,
};
const KEYS = ["clean", "corrupt", "blank"] as const;

/**
 * Asks a hundred pictures at a time. A caption may go on with many words, so where `as` says so the answer is the
 * likelier of its two.
 *
 * @param samples of one task, so that their questions are equally long.
 * @param progress called after each hundred with the samples done.
 * @throws NoticeError `tokens` where the model's vocabulary makes questions of one task unequally long; as
 * `Executor.perform`.
 */
export async function askScenes(
  executor: Executor,
  samples: readonly Sample[],
  progress: (done: number) => void = () => {},
  as: Form = "question",
): Promise<SceneAnswers> {
  const answers: Record<keyof SceneAnswers, string[]> = { clean: [], corrupt: [], blank: [] };
  const take = (key: keyof SceneAnswers, ...said: readonly string[]) => {
    answers[key].push(...said);
    if (key === "blank") progress(answers.blank.length);
  };
  if (as === "caption")
    for await (const { key, output, error } of executor.perform("choose", choices(samples), { ordered: true })) {
      if (error) throw error;
      take(key, output.answer);
    }
  else
    for await (const { key, output, error } of executor.perform("answers", batches(samples), { ordered: true })) {
      if (error) throw error;
      take(key, ...output);
    }
  return answers;
}

function* choices(samples: readonly Sample[]) {
  for (const sample of samples)
    for (const key of KEYS) {
      const { question, answers } = sample;
      yield { key, input: { asked: { image: PICTURES[key](sample), question }, answers } };
    }
}

function* batches(samples: readonly Sample[]) {
  for (let at = 0; at < samples.length; at += batch) {
    const part = samples.slice(at, at + batch);
    const questions = part.map(({ question }) => question);
    for (const key of KEYS) yield { key, input: { images: part.map(PICTURES[key]), questions } };
  }
}

export function sceneAccuracy(samples: readonly Sample[], { clean, corrupt, blank }: SceneAnswers): SceneAccuracy {
  const right = samples.map(({ answers }, i) => clean[i] === answers[0]);
  const share = (values: readonly boolean[]) => values.filter(Boolean).length / values.length;
  const names = [...new Set(samples.map(({ aspect }) => aspect))].sort();
  return {
    scenes: samples.length,
    accuracy: share(right),
    aspects: Object.fromEntries(
      names.map((name) => [name, share(right.filter((_, i) => samples[i]!.aspect === name))]),
    ),
    flips: share(samples.map(({ answers }, i) => right[i]! && corrupt[i] === answers[1])),
    blank: share(samples.map(({ answers }, i) => blank[i] === answers[0])),
  };
}
