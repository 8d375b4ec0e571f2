import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { NoticeError } from "../base/errors.js";
import { readParts } from "../files/read.js";

/** The longest record that is read: an open quote takes no more than this. */
const MAX_RECORD_CHARACTERS = 1024 * 1024;

/** More than any data set has. */
const MOST_COLUMNS = 1000;

/** A record under a CSV file's header, `row` counting them from 1: its cells by column, or why it has none. */
export type CsvRow =
  | { readonly row: number; readonly cells: ReadonlyMap<string, string>; readonly broken?: undefined }
  | { readonly row: number; readonly cells?: undefined; readonly broken: string };

/**
 * The records of a CSV file, as they are asked for. Memory does not grow with the file.
 *
 * @param required columns that it must have.
 * @throws NoticeError `options` where there is no such file, it lacks a column or has more than 1000, or a quote is
 * never closed.
 */
export async function* csvRows(file: string, required: readonly string[]): AsyncGenerator<CsvRow, void, undefined> {
  let header: string[] | undefined;
  let row = 0;
  for await (const record of records(file)) {
    if (!header) header = checkHeader(record, required, file);
    else if (++row && record.length === header.length)
      yield { row, cells: new Map(record.map((cell, column) => [header![column]!, cell])) };
    else yield { row, broken: `${record.length} cells in a table of ${header.length} columns` };
  }
  if (!header) checkHeader([], required, file);
}

async function* records(file: string): AsyncGenerator<string[], void, undefined> {
  const parser = parse({
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
  });
  const bytes = Readable.from(readParts(file), { objectMode: false });
  bytes.on("error", (error) => parser.destroy(error));
  try {
    yield* bytes.pipe(parser) as AsyncIterable<string[]>;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new NoticeError("options", `${file} is not a CSV file: ${cause.message}.`, { cause });
  } finally {
    bytes.destroy();
    parser.destroy();
  }
}

function checkHeader(found: readonly string[], required: readonly string[], file: string): string[] {
  const header = found.map((name) => name.trim());
  if (header.length > MOST_COLUMNS)
    throw new NoticeError("options", `${file} has ${header.length} columns; at most ${MOST_COLUMNS} are read.`);
  const missing = required.filter((name) => !header.includes(name));
  if (missing.length === 0) return header;
  throw new NoticeError(
    "options",
    `${file} has no column ${missing.join(", ")}; its first line is ${JSON.stringify(header.join(",").slice(0, 200))}.`,
  );
}
