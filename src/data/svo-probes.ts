import { extname, join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { random } from "../base/random.js";
import type { Writer } from "../corruption/prompts.js";
import { replacePair, WordsByPieces } from "../corruption/replacements.js";
import type { RemoteImage } from "../files/image-fetcher.js";
import { csvRows } from "./csv.js";
import { askEither } from "./either.js";
import { listFolder, sampleId } from "./image-folder.js";
import type { Dataset, PrepareContext, Sample } from "./sample.js";
import { isQuestion, state, writerOf } from "./statement.js";
import { PLACES, SVO_COLUMNS, type SvoPair, svoId, svoPair, svoPrompt } from "./svo-rows.js";
import { svoSaying } from "./svo-sentence.js";
import { prepared, Unusable } from "./unusable.js";

const DATASET = "svo-probes";
const INDEX = "svo_probes.csv";

/** The same for all rows. */
interface Maker {
  readonly context: PrepareContext;
  readonly write: Writer<string>;
  /** The data set's words, place by place. */
  readonly vocabulary: readonly WordsByPieces[];
  /** Paths by id: looked up, never made of an id, which may hold anything. */
  readonly images: ReadonlyMap<string, string>;
}

/**
 * SVO-Probes (Hendricks and Nematzadeh 2021; github:google-deepmind/svo_probes) as its publisher has it
 * (docs/datasets.md). A row gives two samples, either picture as the clean one, or one exclusion. The same two pictures
 * are asked about one place only once, however many sentences the rows have for them. The file is read twice, row by
 * row.
 *
 * @throws NoticeError `options`
 */
export const svoProbes: Dataset = async function* (folder, context) {
  const file = join(folder, INDEX);
  const names = { question: [...PLACES, "first", "second"], sentence: [...PLACES, "word"] };
  const write = writerOf(DATASET, context, names);
  const vocabulary = await readVocabulary(file, context);
  const maker: Maker = { context, write, vocabulary, images: await imagesById(folder) };
  const seen = new Set<string>();
  for await (const row of csvRows(file, SVO_COLUMNS))
    yield* await prepared({ dataset: DATASET, source: `${INDEX} row ${row.row}` }, () => {
      const pair = svoPair(row);
      checkImages(pair, maker.images);
      const samples = [sampleOf(pair, true, maker), sampleOf(pair, false, maker)];
      const key = samples.map(({ id }) => id).sort()[0]!;
      if (seen.has(key)) throw new Unusable("repeated pair", key);
      seen.add(key);
      return samples;
    });
};

/**
 * The pictures that `svo_probes.csv` names, each id once, with the first address that it has there.
 *
 * @throws NoticeError `options` where there is no such file.
 */
export async function svoImages(folder: string): Promise<RemoteImage[]> {
  const columns = ["pos", "neg"].map((side) => [`${side}_image_id`, `${side}_url`] as const);
  const urls = new Map<string, string>();
  for await (const { cells } of csvRows(join(folder, INDEX), columns.flat())) {
    if (!cells) continue;
    for (const [idColumn, urlColumn] of columns) {
      const id = svoId(cells.get(idColumn)!);
      if (!urls.has(id)) urls.set(id, cells.get(urlColumn)!.trim());
    }
  }
  return Array.from(urls, ([id, url]) => ({ id, url }));
}

/** The words of each place in all rows that are pairs. */
async function readVocabulary(file: string, { pieces }: PrepareContext): Promise<WordsByPieces[]> {
  const words = PLACES.map(() => new Set<string>());
  for await (const row of csvRows(file, SVO_COLUMNS))
    try {
      const { positive, negative } = svoPair(row);
      for (const { triplet } of [positive, negative]) for (const [i, word] of triplet.entries()) words[i]!.add(word);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
    }
  return words.map((place) => new WordsByPieces(place, pieces));
}

async function imagesById(folder: string): Promise<Map<string, string>> {
  const below = join(folder, "images");
  const { images } = await listFolder(below).catch((cause) => {
    const how = `Fetch the pictures first: notice fetch svo-probes --data ${folder}`;
    throw cause instanceof NoticeError ? new NoticeError("options", `${cause.message} ${how}`, { cause }) : cause;
  });
  return new Map(images.map((name) => [name.slice(0, -extname(name).length), join(below, name)]));
}

function checkImages({ positive, negative }: SvoPair, images: ReadonlyMap<string, string>): void {
  const missing = [positive.id, negative.id].filter((id) => !images.has(id));
  if (missing.length > 0) throw new Unusable("missing image", missing.map((id) => JSON.stringify(id)).join(", "));
  if (positive.id === negative.id) throw new Unusable("one image for both", positive.id);
}

function sampleOf(pair: SvoPair, isPositive: boolean, maker: Maker): Sample {
  const [clean, corrupt] = isPositive ? [pair.positive, pair.negative] : [pair.negative, pair.positive];
  const { place } = pair;
  const id = sampleId(clean.id, corrupt.id, place);
  const paths = { image: maker.images.get(clean.id)!, corruptImage: maker.images.get(corrupt.id)! };
  const asked = isQuestion(maker.context) ? ask(pair, isPositive, id, maker) : say(pair, isPositive, maker);
  return { id, dataset: DATASET, group: place, ...paths, ...asked };
}

/** The row's sentence, which is true of the positive picture, with either picture. */
function say(pair: SvoPair, isPositive: boolean, { context, write }: Maker) {
  const { place, positive, negative } = pair;
  const [clean, corrupt] = isPositive ? [positive, negative] : [negative, positive];
  const at = PLACES.indexOf(place);
  const words = [clean.triplet[at]!, corrupt.triplet[at]!] as const;
  const given = context.template === undefined ? pair.sentence : undefined;
  const saying = given === undefined ? undefined : svoSaying(given, positive.triplet[at]!, words);
  const [subject, verb, object] = positive.triplet;
  const written = (word: string) => write({ subject, verb, object, [place]: word, word });
  return state({ isTrue: isPositive, ...(saying ?? { words, write: written }) }, context);
}

function ask(pair: SvoPair, isPositive: boolean, id: string, { context, write, vocabulary }: Maker) {
  const { place } = pair;
  const [clean, corrupt] = isPositive ? [pair.positive, pair.negative] : [pair.negative, pair.positive];
  const at = PLACES.indexOf(place);
  const [subject, verb, object] = clean.triplet;
  const answers = [clean.triplet[at]!, corrupt.triplet[at]!] as const;
  const choose = random(context.seed, DATASET, id);
  const prompt = pair.prompt === undefined || context.template !== undefined ? undefined : svoPrompt(pair.prompt, pair);
  const candidates = answers.map((word) =>
    vocabulary[at]!.like(word).filter((other) => !clean.triplet.includes(other)),
  );
  return askEither(
    {
      answers,
      replacements: replacePair(answers, candidates as [string[], string[]], choose),
      correctFirst: prompt ? prompt.positiveFirst === isPositive : choose.chance(0.5),
      write:
        prompt?.write ??
        ((first, second) => write({ subject, verb, object, [place]: `${first} or ${second}`, first, second })),
    },
    context.pieces,
  );
}
