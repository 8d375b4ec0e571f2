import { stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { nearest } from "../base/nearest.js";
import { questionTemplate, type Writer } from "../corruption/prompts.js";
import { findFile } from "../files/read.js";
import { csvRows } from "./csv.js";
import { sampleId } from "./image-folder.js";
import { checked, jsonLines, text } from "./jsonl.js";
import { placed } from "./placed.js";
import type { PrepareContext, Prepared, Sample } from "./sample.js";
import { askedPart, sceneSentence } from "./scenes/sentences.js";
import { isQuestion, isStatedTrue, state } from "./statement.js";
import { prepared, Unusable } from "./unusable.js";

// These names later become files and columns: none of them is "..".
const name = z.preprocess(
  (given) => (Number.isSafeInteger(given) ? `${given}` : given),
  z.string().regex(/^\w[\w.-]{0,99}$/, "letters, digits, - _ . were expected"),
);

const schema = z.object({
  id: name.optional(),
  dataset: name.optional(),
  group: name.default("all"),
  image: text,
  corruptImage: text.optional(),
  mask: text.optional(),
  question: text,
  corruptQuestion: text.optional(),
  answers: z.tuple([text, text]).refine(([one, other]) => one !== other, "two different answers were expected"),
});

const FIELDS = [...Object.keys(schema.shape), "correct", "incorrect"];
/** Those of `pairs.jsonl`. */
const SCENE_FIELDS = ["task", "aspect", "masks"];

type Fields = Readonly<Record<string, unknown>>;

/** A row before it is checked: its fields, or why it has none. `row` counts them, or lines, from 1. */
type TableRow = { readonly source: string; readonly row: number } & (
  | { readonly fields: Fields; readonly broken?: undefined }
  | { readonly fields?: undefined; readonly broken: string }
);

/** The same for all rows. */
interface Reader {
  readonly folder: string;
  /** Where pictures may lie too. */
  readonly pictures: string | undefined;
  readonly dataset: string;
  readonly context: PrepareContext;
  readonly write: Writer<"question">;
  readonly ids: Set<string>;
}

/**
 * Anyone's own samples, in a table (docs/datasets.md): each row is one sample or one exclusion. A template has the
 * variable `question` and is laid around both questions.
 *
 * @param file the table; its ending says which kind it is.
 * @param pictures a folder that paths may lead below, absolute ones too.
 * @throws NoticeError `options`
 */
export async function* table(
  file: string,
  context: PrepareContext,
  pictures?: string,
): AsyncGenerator<Prepared, void, undefined> {
  const reader: Reader = {
    folder: dirname(file),
    pictures,
    dataset: basename(file, extname(file))
      .replace(/^\W|[^\w.-]/g, "_")
      .slice(0, 100),
    context,
    write: questionTemplate(context.template ?? "{{ question }}", ["question"]),
    ids: new Set(),
  };
  for await (const { source, row, fields, broken } of rowsOf(file)) {
    const dataset = name.safeParse(fields?.dataset ?? fields?.task).data ?? reader.dataset;
    yield* await prepared({ dataset, source }, async () => {
      if (broken !== undefined) throw new Unusable("broken row", broken);
      return [await sampleOf(fields, row, dataset, reader)];
    });
  }
}

async function* rowsOf(file: string): AsyncGenerator<TableRow, void, undefined> {
  const csv = /\.csv$/i.test(file);
  if (!csv && !/\.jsonl$/i.test(file))
    throw new NoticeError("options", `${file} is no table by its ending; .csv or .jsonl was expected.`);
  if (!(await findFile(file))) throw new NoticeError("options", `There is no table ${file}: no such file.`);
  if (csv)
    for await (const { row, cells, broken } of csvRows(file, ["image", "question"])) {
      const place = { source: `${basename(file)} row ${row}`, row };
      yield cells ? { ...place, fields: fromCells(cells) } : { ...place, broken };
    }
  else
    for await (const line of jsonLines(file)) {
      const row = line.index + 1;
      const place = { source: `${basename(file)} line ${row}`, row };
      const object = z.record(z.string(), z.unknown()).safeParse(line.refused ? undefined : line.value).data;
      if (!object) yield { ...place, broken: line.refused?.message ?? "the line is no object" };
      else yield { ...place, fields: without(null, Object.entries(object)) };
    }
}

/** An absent field is written so. */
const without = (absent: unknown, entries: Iterable<readonly [string, unknown]>): Fields =>
  Object.fromEntries([...entries].filter(([, value]) => value !== absent));

function fromCells(cells: ReadonlyMap<string, string>): Fields {
  const fields = without("", cells);
  return typeof fields.answers === "string"
    ? { ...fields, answers: fields.answers.split(",").map((answer) => answer.trim()) }
    : fields;
}

async function sampleOf(fields: Fields, row: number, dataset: string, reader: Reader): Promise<Sample> {
  const { context, ids } = reader;
  const { correct, incorrect, aspect } = fields;
  refuseMisnamed(fields);
  const given = {
    ...fields,
    answers: fields.answers ?? (correct === undefined && incorrect === undefined ? undefined : [correct, incorrect]),
    group: fields.group ?? aspect,
    mask: fields.mask ?? maskOfScene(fields),
  };
  const { id: named, group, question, corruptQuestion, answers, ...paths } = parse(given);
  const sample = {
    ...(await found(paths, reader)),
    dataset,
    group,
    ...put({ question, corruptQuestion, answers }, fields, dataset, reader),
  };
  const counts = [sample.question, sample.corruptQuestion ?? sample.question].map((asked) => context.pieces(asked));
  if (counts[0] !== counts[1])
    throw new Unusable("unequal questions", `${counts.join(" and ")} word pieces: ${question} / ${corruptQuestion}`);
  const path = paths.image.slice(0, paths.image.length - extname(paths.image).length);
  const isTaken = (id: string) => ids.has(`${dataset}/${id}`);
  const plain = sampleId(basename(path));
  const id = named ?? (isTaken(plain) ? sampleId(...path.split(/[/\\]/).filter(Boolean), `${row}`) : plain);
  if (isTaken(id)) throw new Unusable("repeated id", id);
  ids.add(`${dataset}/${id}`);
  return { id, ...sample };
}

type Texts = Pick<z.infer<typeof schema>, "question" | "corruptQuestion" | "answers">;

/**
 * The row as it is put to the model. Of scenes the question becomes a sentence; all others are what their tables say, a
 * sentence to match with the answers `match` and `no match`. @throws Unusable
 */
function put({ question, corruptQuestion, answers }: Texts, fields: Fields, dataset: string, reader: Reader) {
  const { context, write } = reader;
  const say =
    fields.task === undefined ? undefined : sceneSentence(question, answers, context.as === "match" ? "this" : "the");
  if (!isQuestion(context) && say) {
    const isTrue = isStatedTrue(context.seed, dataset, `${fields.image}`);
    return state({ words: answers, isTrue, write: (word) => write({ question: say(word) }) }, context);
  }
  if (context.as === "match" && !answers.every((answer) => ["match", "no match"].includes(answer)))
    throw new Unusable("no sentence to match", `the answers are ${answers.join(", ")}; match, no match were expected`);
  return {
    answers,
    question: write({ question }),
    ...(corruptQuestion === undefined ? {} : { corruptQuestion: write({ question: corruptQuestion }) }),
    ...(context.as === "caption" ? { answerPlace: "last" } : {}),
  };
}

/** A field with a letter too many would be one that is absent. @throws Unusable */
function refuseMisnamed(fields: Fields): void {
  const absent = FIELDS.filter((field) => field.length > 4 && !Object.hasOwn(fields, field));
  const folded = (field: string) => field.toLowerCase().replace(/[^a-z]/g, "");
  for (const field of Object.keys(fields)) {
    if (FIELDS.includes(field) || SCENE_FIELDS.includes(field)) continue;
    const near = nearest(folded(field), absent.map(folded), 1);
    const meant = absent.find((one) => folded(one) === near);
    if (meant !== undefined)
      throw new Unusable("misnamed field", `there is no field ${JSON.stringify(field)}; did you mean ${meant}?`);
  }
}

function parse(given: unknown): z.infer<typeof schema> {
  try {
    return checked(schema, given, "The row is no sample");
  } catch (error) {
    throw error instanceof NoticeError ? new Unusable("broken row", error.message) : error;
  }
}

type Paths = Pick<Sample, "image" | "corruptImage" | "mask">;

/** The paths, of files that are there. @throws Unusable */
async function found({ image, corruptImage, mask }: Paths, reader: Reader): Promise<Paths> {
  const find = async (path: string, reason: string) => {
    const file = placed(path, { ...reader, list: "table" });
    if (!(await stat(file).catch(() => undefined))?.isFile()) throw new Unusable(reason, path);
    return file;
  };
  return {
    image: await find(image, "missing image"),
    ...(corruptImage === undefined ? {} : { corruptImage: await find(corruptImage, "missing image") }),
    ...(mask === undefined ? {} : { mask: await find(mask, "missing mask") }),
  };
}

function maskOfScene({ task, aspect, question, masks }: Fields): unknown {
  if (typeof masks !== "object" || masks === null || typeof question !== "string") return undefined;
  return askedPart({ task, aspect, question }, masks as Record<string, unknown>);
}
