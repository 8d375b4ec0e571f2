import type { Architecture, Tokens } from "../../model/architecture.js";
import { parseSite, sitesOf } from "../../patching/sites.js";
import { quoted, type Store } from "../store.js";

// Every score of a run in long form.

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
export function tokenSql(architecture: Architecture): string {
  const sites = sitesOf(architecture).map((site) => parseSite({ architecture }, site));
  const list = (of: Tokens) => sites.flatMap(({ site, tokens }) => (tokens === of ? [quoted(site)] : [])).join(", ");
  const answer = list("answer");
  return `CASE WHEN site IN (${list("question")}) THEN tokens[position + 1] ${answer && `WHEN site IN (${answer}) THEN '[DEC]'`} END`;
}

/**
 * One row a patch (in a screened run also a place that was not patched, without scores), with what it is about and what
 * computed it.
 */
const rowsSql = (architecture: Architecture, direction: string) => `
  SELECT sample, dataset, sample_group AS "group", modality, direction, site, layer, head, position,
    ${tokenSql(architecture)} AS token,
    answer_token, correct, incorrect, clean_prob, clean_logit_diff, corrupted_prob, corrupted_logit_diff,
    prob, prob_diff AS "probDiff", logit_diff AS "logitDiff", effect, attribution,
    package, model, model_hash, backend, settings_hash
  FROM scores JOIN passes USING (dataset, sample, modality) JOIN samples USING (dataset, sample)
    JOIN patched USING (dataset, sample) JOIN provenance ON provenance.id = patched.provenance
    CROSS JOIN (SELECT ${quoted(direction)} AS direction)`;

/** Columns of words, which come from data and checkpoints of others. */
const WORDS = ["sample", "dataset", '"group"', "token", "correct", "incorrect", "package", "model"];

/**
 * A spreadsheet takes a cell that begins so for a formula, unless an apostrophe says that it is text; a number is none.
 * SQL.
 */
const asText = (column: string) => String.raw`CASE
    WHEN regexp_matches(${column}, '^[=+\-@\t\r\n]') AND NOT regexp_full_match(${column}, '[+-]?[0-9]+([.][0-9]+)?')
    THEN '''' || ${column} ELSE ${column} END AS ${column}`;

/** The rows of a format in an order that follows from what is in them; SQL. */
function queryOf(format: ExportFormat, rows: string): string {
  const columns = format === "csv" ? `* REPLACE (${WORDS.map(asText).join(", ")})` : "*";
  const order = ["dataset", "sample", "modality", "site", "layer", "head", "position"].map((name) => `found.${name}`);
  return `SELECT ${columns} FROM (${rows}) AS found ORDER BY ${order.join(", ")}`;
}

/** What is exported. */
export const EXPORT_TABLES = ["scores", "rules"] as const;
/** One of them. */
export type ExportTable = (typeof EXPORT_TABLES)[number];

/** Writes the circuits by every rule, a row each, to the file that the database may write. */
export function copyRules(store: Store, format: ExportFormat): Promise<void> {
  const heads = "array_to_string(heads, ' ') AS heads";
  const columns = format === "csv" ? `* REPLACE (${asText("dataset")}, ${heads})` : "*";
  const rows = `SELECT ${columns} FROM rules ORDER BY rules.dataset, rules.modality, rules.rowid`;
  return store.run(`COPY (${rows}) TO ${quoted(store.beside)} (${OPTIONS[format]})`);
}

/** Writes every score, in the direction in which it was patched, to the file that the database may write. */
export const copyScores = (
  store: Store,
  format: ExportFormat,
  { architecture, direction }: { readonly architecture: Architecture; readonly direction: string },
): Promise<void> =>
  // COPY takes no parameters.
  store.run(
    `COPY (${queryOf(format, rowsSql(architecture, direction))}) TO ${quoted(store.beside)} (${OPTIONS[format]})`,
  );
