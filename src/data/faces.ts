import { join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { type Random, random } from "../base/random.js";
import type { Writer } from "../corruption/prompts.js";
import { replacePair, WordsByPieces } from "../corruption/replacements.js";
import { askEither } from "./either.js";
import { isUnpacked, unpackFer } from "./fer2013.js";
import { countedPictures, imageId, listFolder } from "./image-folder.js";
import type { Dataset, Exclusion, PrepareContext, Sample } from "./sample.js";
import { isQuestion, state, writerOf } from "./statement.js";
import { prepared, Unusable } from "./unusable.js";
import { expressions, sentiments, synonyms } from "./words/expressions.js";

const DATASET = "faces";
const SPLITS = ["train", "training", "test", "val", "validation", "publictest", "privatetest"];

/** Faces that show one expression. */
interface Faces {
  readonly adjective: string;
  /** The folders that lead to them. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** The same for all faces. */
interface Maker {
  readonly folder: string;
  readonly context: PrepareContext;
  readonly write: Writer<string>;
  readonly pleasant: WordsByPieces;
  readonly unpleasant: WordsByPieces;
}

/**
 * Facial expressions in FER's folders, or in `fer2013.csv`, whose pictures are written beside it first
 * (docs/datasets.md). Every face is one sample or one exclusion; one face of the alternative is the corrupt image.
 *
 * @throws NoticeError `options`
 */
export const faces: Dataset = async function* (folder, context) {
  const maker: Maker = {
    folder,
    context,
    write: writerOf(DATASET, context, { question: ["first", "second"], sentence: ["word"] }),
    pleasant: new WordsByPieces(sentiments.pleasant, context.pieces),
    unpleasant: new WordsByPieces(sentiments.unpleasant, context.pieces),
  };
  let some = false;
  const unpacked = await unpackFer(folder);
  for (const { row, reason } of unpacked?.broken ?? [])
    yield { excluded: { ...sourceOf(`fer2013.csv row ${row}`), reason: "broken row", detail: reason } };
  for await (const { found, excluded } of splits(folder, unpacked?.name)) {
    for (const one of excluded) yield { excluded: one };
    for (const shown of found)
      for (const file of shown.files) {
        some = true;
        yield* await prepared(sourceOf(...shown.folders, file), () => [sampleOf(shown, file, found, maker)]);
      }
  }
  if (some) return;
  const expected = Object.keys(expressions).join(", ");
  throw new NoticeError(
    "options",
    `There are no faces in ${folder}: folders ${expected} were expected, or train, test, or fer2013.csv.`,
  );
};

const sourceOf = (...names: string[]) => ({ dataset: DATASET, source: names.join("/") });

/** What lies directly in the folder, then in each split; the same of what was unpacked. */
async function* splits(folder: string, unpacked?: string): AsyncGenerator<{ found: Faces[]; excluded: Exclusion[] }> {
  for (const above of [[], ...(unpacked === undefined ? [] : [[unpacked]])]) {
    const { folders } = await listFolder(join(folder, ...above));
    const within = folders.filter((name) => SPLITS.includes(name.toLowerCase()));
    yield readSplit(folder, above, [...within, ...folders.filter(isUnpacked)]);
    for (const name of within) yield readSplit(folder, [...above, name], []);
  }
}

async function readSplit(folder: string, split: readonly string[], passedOver: readonly string[]) {
  const found: Faces[] = [];
  const excluded: Exclusion[] = [];
  const exclude = (names: readonly string[], reason: string, path: readonly string[] = split) => {
    for (const name of names) excluded.push({ ...sourceOf(...path, name), reason, detail: name });
  };
  const { folders, images } = await listFolder(join(folder, ...split));
  exclude(images, "no expression");
  for (const name of folders) {
    if (passedOver.includes(name)) continue;
    const place = [...split, name];
    const adjective = adjectiveOf(name.toLowerCase());
    if (adjective === undefined) {
      const detail = await countedPictures(join(folder, ...place));
      excluded.push({ ...sourceOf(...place), reason: "unknown folder", detail });
      continue;
    }
    const inner = await listFolder(join(folder, ...place));
    exclude([...inner.others, ...inner.folders], "not a picture", place);
    if (inner.images.length > 0) found.push({ adjective, folders: place, files: inner.images });
  }
  return { found, excluded };
}

const adjectiveOf = (name: string) =>
  [expressions, synonyms].find((names) => Object.hasOwn(names, name))?.[name as keyof typeof expressions];

function sampleOf(shown: Faces, file: string, all: readonly Faces[], maker: Maker): Sample {
  const { folder, context } = maker;
  const id = imageId(shown.folders, file);
  const choose = random(context.seed, DATASET, id);
  const others = all.filter(({ adjective }) => adjective !== shown.adjective);
  if (others.length === 0) throw new Unusable("no alternative", `there are only ${shown.adjective} faces`);
  const alternative = choose.pick(others);
  const corruptImage = join(folder, ...alternative.folders, choose.pick(alternative.files));
  const answers = [shown.adjective, alternative.adjective] as const;
  const image = join(folder, ...shown.folders, file);
  return { id, dataset: DATASET, group: shown.adjective, image, corruptImage, ...put(answers, choose, maker) };
}

function put(answers: readonly [string, string], choose: Random, { context, write, pleasant, unpleasant }: Maker) {
  if (!isQuestion(context))
    return state({ words: answers, isTrue: choose.chance(0.5), write: (word) => write({ word }) }, context);
  const [one, other] = answers.map((word) => (sentiments.pleasant.includes(word) ? unpleasant : pleasant).like(word));
  return askEither(
    {
      answers,
      replacements: replacePair(answers, [one!, other!], choose),
      correctFirst: choose.chance(0.5),
      write: (first, second) => write({ first, second }),
    },
    context.pieces,
  );
}
