import { rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { removeLeftovers } from "../files/leftovers.js";
import { checkOutput, writeOutput } from "../files/output.js";
import { readParts } from "../files/read.js";
import { unscored } from "./circuits.js";
import type { StudyRun } from "./run.js";
import { quoted } from "./store.js";

/** What scores are exported as. */
export const EXPORT_FORMATS = ["csv", "parquet", "json"] as const;
/** One of the formats. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

const OPTIONS: Record<ExportFormat, string> = {
  csv: "FORMAT csv, HEADER true",
  parquet: "FORMAT parquet, COMPRESSION zstd",
  json: "FORMAT json, ARRAY true",
};

/** The token that stands at a place of `scores`, by the tokens of `passes`; SQL. */
export const TOKEN = `CASE WHEN site LIKE 'text.%' OR site IN ('decoder.cross.k', 'decoder.cross.v') THEN tokens[position + 1]
  WHEN site LIKE 'decoder.%' THEN '[DEC]' END`;

/** One row a patch (in a screened run also a place that was not patched, without scores), with what it is about and what computed it. */
const ROWS = `
  SELECT sample, dataset, sample_group AS "group", modality, direction, site, layer, head, position,
    ${TOKEN} AS token,
    answer_token, correct, incorrect, clean_prob, clean_logit_diff, corrupted_prob, corrupted_logit_diff,
    prob, prob_diff AS "probDiff", logit_diff AS "logitDiff", effect, attribution,
    package, model, model_hash, backend, settings_hash
  FROM scores JOIN passes USING (dataset, sample, modality) JOIN samples USING (dataset, sample)
    JOIN patched USING (dataset, sample) JOIN provenance ON provenance.id = patched.provenance
    CROSS JOIN (SELECT $1 AS direction)`;

/** Columns of words, which come from data and checkpoints of others. */
const WORDS = ["sample", "dataset", '"group"', "token", "correct", "incorrect", "package", "model"];

/** A spreadsheet takes a cell that begins so for a formula, unless an apostrophe says that it is text; a number is none. SQL. */
const asText = (column: string) => String.raw`CASE
    WHEN regexp_matches(${column}, '^[=+\-@\t\r\n]') AND NOT regexp_full_match(${column}, '[+-]?[0-9]+([.][0-9]+)?')
    THEN '''' || ${column} ELSE ${column} END AS ${column}`;

/** The rows of a format in an order that follows from what is in them; SQL. */
function queryOf(format: ExportFormat, direction: string): string {
  // COPY takes no parameters.
  const rows = ROWS.replace("$1", quoted(direction));
  const columns = format === "csv" ? `* REPLACE (${WORDS.map(asText).join(", ")})` : "*";
  const order = ["dataset", "sample", "modality", "site", "layer", "head", "position"].map((name) => `found.${name}`);
  return `SELECT ${columns} FROM (${rows}) AS found ORDER BY ${order.join(", ")}`;
}

/**
 * Writes every score of a run in long form: in the run's folder first, the only one that its database may write to. In CSV a text that a
 * spreadsheet would take for a formula has an apostrophe before it.
 *
 * @returns the number of rows.
 * @throws NoticeError `options` where nothing is patched yet, the file cannot be written, or is there and no such export.
 */
export async function exportScores(run: StudyRun, file: string, format: ExportFormat): Promise<number> {
  const { store, settings } = run;
  const kind = `scores.${format}` as const;
  await checkOutput(file, kind);
  const count = await store.count("SELECT count(*) FROM scores");
  if (count === 0) throw await unscored(run);
  await removeLeftovers(dirname(file), basename(file));
  const query = queryOf(format, settings.direction);
  try {
    await rm(store.beside, { force: true });
    await store.run(`COPY (${query}) TO ${quoted(store.beside)} (${OPTIONS[format]})`);
    await writeOutput(file, kind, readParts(store.beside));
  } finally {
    await rm(store.beside, { force: true }).catch(() => {});
  }
  return count;
}
