import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { questionTemplate, type Writer } from "../corruption/prompts.js";
import { findFile } from "../files/read.js";
import { csvRows } from "./csv.js";
import { sampleId } from "./image-folder.js";
import { checked, jsonLines, path, text } from "./jsonl.js";
import type { Dataset, PrepareContext, Sample } from "./sample.js";
import { prepared, Unusable } from "./unusable.js";

// These names later become files and columns: none of them is "..".
const name = z.string().regex(/^\w[\w.-]{0,99}$/, "letters, digits, - _ . were expected");

const schema = z.object({
  id: name.optional(),
  dataset: name.optional(),
  group: name.default("all"),
  image: path,
  corruptImage: path.optional(),
  mask: path.optional(),
  question: text,
  corruptQuestion: text.optional(),
  answers: z.tuple([text, text]).refine(([one, other]) => one !== other, "two different answers were expected"),
});

type Fields = Readonly<Record<string, unknown>>;

/** A row before it is checked: its fields, or why it has none. */
type TableRow = { readonly source: string } & (
  | { readonly fields: Fields; readonly broken?: undefined }
  | { readonly fields?: undefined; readonly broken: string }
);

/** The same for all rows. */
interface Reader {
  readonly folder: string;
  readonly dataset: string;
  readonly context: PrepareContext;
  readonly write: Writer<"question">;
  readonly ids: Set<string>;
}

/**
 * Anyone's own samples: a table with the columns `image`, `question`, `answers` (or `correct` and `incorrect`) and, as
 * far as there are any, `corruptImage`, `corruptQuestion`, `id`, `dataset`, `group`, `mask`; a CSV file with a header,
 * or JSONL. `answers` is a pair, in CSV `correct,incorrect`. Paths are relative to the table's folder and stay below
 * it. Without `id` it is the picture's base name, without
 * `dataset` the table's, without `group` `all`. Each row is one sample or one exclusion.
 *
 * `pairs.jsonl` of `notice scenes` is such a table: its task is the data set, its aspect the group. Of its masks it
 * takes that of what is asked about: the shape that the question names, the face, the action's object where that is
 * asked for, else its subject, whose posture shows the verb.
 *
 * A template has the variable `question` and is laid around both questions.
 *
 * @param file the table; its ending says which kind it is.
 * @throws NoticeError `options`
 */
export const table: Dataset = async function* (file, context) {
  const reader: Reader = {
    folder: dirname(file),
    dataset: basename(file, extname(file))
      .replace(/^\W|[^\w.-]/g, "_")
      .slice(0, 100),
    context,
    write: questionTemplate(context.template ?? "{{ question }}", ["question"]),
    ids: new Set(),
  };
  for await (const { source, fields, broken } of rowsOf(file)) {
    const dataset = name.safeParse(fields?.dataset ?? fields?.task).data ?? reader.dataset;
    yield* await prepared({ dataset, source }, async () => {
      if (broken !== undefined) throw new Unusable("broken row", broken);
      return [await sampleOf(fields, dataset, reader)];
    });
  }
};

async function* rowsOf(file: string): AsyncGenerator<TableRow, void, undefined> {
  const csv = /\.csv$/i.test(file);
  if (!csv && !/\.jsonl$/i.test(file))
    throw new NoticeError("options", `${file} is no table by its ending; .csv or .jsonl was expected.`);
  if (!(await findFile(file))) throw new NoticeError("options", `There is no table ${file}: no such file.`);
  if (csv)
    for await (const row of csvRows(file, ["image", "question"])) {
      const source = `${basename(file)} row ${row.row}`;
      yield row.cells ? { source, fields: fromCells(row.cells) } : { source, broken: row.broken };
    }
  else
    for await (const line of jsonLines(file)) {
      const source = `${basename(file)} line ${line.index + 1}`;
      const object = z.record(z.string(), z.unknown()).safeParse(line.refused ? undefined : line.value).data;
      yield object ? { source, fields: object } : { source, broken: line.refused?.message ?? "the line is no object" };
    }
}

/** An empty cell is none. */
function fromCells(cells: ReadonlyMap<string, string>): Fields {
  const fields = Object.fromEntries([...cells].filter(([, cell]) => cell !== ""));
  return typeof fields.answers === "string"
    ? { ...fields, answers: fields.answers.split(",").map((answer) => answer.trim()) }
    : fields;
}

async function sampleOf(fields: Fields, dataset: string, { folder, context, write, ids }: Reader): Promise<Sample> {
  const { correct, incorrect, aspect } = fields;
  const given = {
    ...fields,
    answers: fields.answers ?? (correct === undefined && incorrect === undefined ? undefined : [correct, incorrect]),
    group: fields.group ?? aspect,
    mask: fields.mask ?? maskOfScene(fields),
  };
  const { id: named, group, question, corruptQuestion, answers, ...paths } = parse(given);
  const sample = {
    ...(await below(folder, paths)),
    dataset,
    group,
    answers,
    question: write({ question }),
    ...(corruptQuestion === undefined ? {} : { corruptQuestion: write({ question: corruptQuestion }) }),
  };
  const counts = [sample.question, sample.corruptQuestion ?? sample.question].map((asked) => context.pieces(asked));
  if (counts[0] !== counts[1])
    throw new Unusable("unequal questions", `${counts.join(" and ")} word pieces: ${question} / ${corruptQuestion}`);
  const id = named ?? sampleId(basename(paths.image, extname(paths.image)));
  const key = `${dataset}/${id}`;
  if (ids.has(key)) throw new Unusable("repeated id", named === undefined ? `${id}: give the rows an id` : id);
  ids.add(key);
  return { id, ...sample };
}

function parse(given: unknown): z.infer<typeof schema> {
  try {
    return checked(schema, given, "The row is no sample");
  } catch (error) {
    throw error instanceof NoticeError ? new Unusable("broken row", error.message) : error;
  }
}

/** The paths from the table's folder on, of files that are there. */
async function below(
  folder: string,
  { image, corruptImage, mask }: Pick<z.infer<typeof schema>, "image" | "corruptImage" | "mask">,
): Promise<Pick<Sample, "image" | "corruptImage" | "mask">> {
  const find = async (path: string, reason: string) => {
    if (!(await stat(join(folder, path)).catch(() => undefined))?.isFile()) throw new Unusable(reason, path);
    return join(folder, path);
  };
  return {
    image: await find(image, "missing image"),
    ...(corruptImage === undefined ? {} : { corruptImage: await find(corruptImage, "missing image") }),
    ...(mask === undefined ? {} : { mask: await find(mask, "missing mask") }),
  };
}

function maskOfScene({ task, aspect, question, masks }: Fields): unknown {
  if (typeof masks !== "object" || masks === null || typeof question !== "string") return undefined;
  const parts = masks as Record<string, unknown>;
  if (task === "faces") return parts.face;
  if (task === "actions") return aspect === "object" ? parts.object : parts.subject;
  return question.split(/\W+/).flatMap((word) => (Object.hasOwn(parts, word) ? [parts[word]] : []))[0];
}
