import { join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { namesOf } from "../base/options.js";
import { type Random, random } from "../base/random.js";
import type { Writer } from "../corruption/prompts.js";
import { replacePair, WordsByPieces } from "../corruption/replacements.js";
import { askEither } from "./either.js";
import { countedPictures, imageId, listFolder } from "./image-folder.js";
import type { Dataset, Exclusion, PrepareContext, Sample } from "./sample.js";
import { articleOf, isQuestion, state, writerOf } from "./statement.js";
import { prepared, Unusable } from "./unusable.js";
import { states } from "./words/states.js";

const DATASET = "mit-states";

type Group = keyof typeof states;
const groups = namesOf(states);
const groupOf = (adjective: string) => groups.find((group) => Object.hasOwn(states[group], adjective));

/** A picture of a noun in a state. */
interface Stateful {
  readonly adjective: string;
  readonly noun: string;
  /** The folders that lead to it, and its name. */
  readonly folders: readonly string[];
  readonly file: string;
}

/** The same for all pictures. */
interface Maker {
  readonly folder: string;
  readonly context: PrepareContext;
  readonly write: Writer<string>;
  readonly vocabulary: Readonly<Record<Group, WordsByPieces>>;
  /** Noun, then adjective. */
  readonly nouns: ReadonlyMap<string, ReadonlyMap<string, readonly Stateful[]>>;
}

/**
 * MIT-States (Isola, Lim and Adelson 2015) in its publisher's folders (docs/datasets.md). Every picture is one sample
 * or one exclusion; one picture of the same noun in the alternative state is the corrupt image.
 *
 * @throws NoticeError `options`
 */
export const mitStates: Dataset = async function* (folder, context) {
  const names = { question: ["noun", "first", "second"], sentence: ["noun", "article", "word"] };
  const write = writerOf(DATASET, context, names);
  const found = await findPictures(folder);
  for (const excluded of found.excluded) yield { excluded };
  const nouns = new Map<string, Map<string, Stateful[]>>();
  for (const picture of found.pictures) {
    const adjectives = entry(nouns, picture.noun, () => new Map<string, Stateful[]>());
    entry(adjectives, picture.adjective, () => []).push(picture);
  }
  const words = (group: Group) => new WordsByPieces(Object.keys(states[group]), context.pieces);
  const vocabulary = { colour: words("colour"), shape: words("shape"), texture: words("texture") };
  const maker: Maker = { folder, context, write, vocabulary, nouns };
  for (const picture of found.pictures)
    yield* await prepared(sourceOf(...picture.folders, picture.file), () => [sampleOf(picture, maker)]);
};

const sourceOf = (...names: string[]) => ({ dataset: DATASET, source: names.join("/") });

async function findPictures(folder: string) {
  const pictures: Stateful[] = [];
  const excluded: Exclusion[] = [];
  const visit = async (folders: readonly string[]) => {
    const { images, folders: inner, others } = await listFolder(join(folder, ...folders));
    const named = stateOf(folders.at(-1) ?? "");
    for (const file of images)
      if (named) pictures.push({ ...named, folders, file });
      else
        excluded.push({ ...sourceOf(...folders, file), reason: "no state", detail: "not in a folder adjective noun" });
    if (named)
      for (const file of others)
        excluded.push({ ...sourceOf(...folders, file), reason: "not a picture", detail: file });
    for (const name of inner)
      if (!named && (stateOf(name) ? folders.length < 2 : folders.length < 1)) await visit([...folders, name]);
      else
        excluded.push({
          ...sourceOf(...folders, name),
          reason: "unknown folder",
          detail: `no folder adjective noun, ${await countedPictures(join(folder, ...folders, name))}`,
        });
  };
  await visit([]);
  if (pictures.length > 0) return { pictures, excluded };
  throw new NoticeError("options", `There are no folders "adjective noun" with pictures in ${folder}, nor one below.`);
}

/** `sliced tomato`, `sliced_tomato`. What has neither a space nor a known adjective is a folder of such folders. */
function stateOf(folder: string): { adjective: string; noun: string } | undefined {
  const [, adjective, gap, noun] = /^([^ _]+)([ _]+)(.+)$/.exec(folder.toLowerCase()) ?? [];
  if (adjective === undefined || (!gap!.includes(" ") && adjective !== "adj" && !groupOf(adjective))) return undefined;
  return { adjective, noun: noun!.replace(/[ _]+/g, " ").trim() };
}

function sampleOf(picture: Stateful, maker: Maker): Sample {
  const { folder, context, nouns } = maker;
  const { adjective, noun, folders, file } = picture;
  const group = groupOf(adjective);
  if (adjective === "adj") throw new Unusable("no state", "its folder says adj");
  if (!group) throw new Unusable("unknown state", `${adjective} is in no group`);
  if (!/^[\p{L}\p{N}][\p{L}\p{M}\p{N}'’ -]{0,63}$/u.test(noun))
    throw new Unusable("unusable noun", JSON.stringify(noun));
  const id = imageId(folders, file);
  const choose = random(context.seed, DATASET, id);
  const there = nouns.get(noun)!;
  const alternatives = [...there.keys()].filter((other) => mayStandAgainst(group, adjective, other)).sort();
  if (alternatives.length === 0)
    throw new Unusable("no alternative", `of ${noun} there are only ${[...there.keys()].join(", ")}`);
  const answers = [adjective, choose.pick(alternatives)] as const;
  const corrupt = choose.pick(there.get(answers[1])!);
  const asked = put({ noun, group, answers }, choose, maker);
  const pathOf = (one: Stateful) => join(folder, ...one.folders, one.file);
  return { id, dataset: DATASET, group, image: pathOf(picture), corruptImage: pathOf(corrupt), ...asked };
}

interface Alternatives {
  readonly noun: string;
  readonly group: Group;
  readonly answers: readonly [string, string];
}

function put({ noun, group, answers }: Alternatives, choose: Random, { context, write, vocabulary }: Maker) {
  const say = (word: string) => write({ noun, word, article: articleOf(word) });
  if (!isQuestion(context)) return state({ words: answers, isTrue: choose.chance(0.5), write: say }, context);
  const candidates = answers.map((word) =>
    vocabulary[group].like(word).filter((other) => !isSimilar(group, word, other)),
  );
  return askEither(
    {
      answers,
      replacements: replacePair(answers, candidates as [string[], string[]], choose),
      correctFirst: choose.chance(0.5),
      write: (first, second) => write({ noun, first, second }),
    },
    context.pieces,
  );
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  if (!map.has(key)) map.set(key, make());
  return map.get(key)!;
}

/** The lists name some pairs from one side only. */
function isSimilar(group: Group, one: string, other: string): boolean {
  const { [one]: a, [other]: b } = states[group];
  return a!.similar.includes(other) || b!.similar.includes(one);
}

function mayStandAgainst(group: Group, adjective: string, other: string): boolean {
  if (other === adjective || groupOf(other) !== group) return false;
  const { [adjective]: a, [other]: b } = states[group];
  return !isSimilar(group, adjective, other) && !a!.compatible.includes(other) && !b!.compatible.includes(adjective);
}
