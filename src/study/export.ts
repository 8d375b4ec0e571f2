import { rename, rm } from "node:fs/promises";
import { NoticeError } from "../errors.js";
import { unscored } from "./circuits.js";
import type { StudyRun } from "./run.js";

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

/** One row a patch (in a screened run also a place that was not patched, without scores), with what it is about and what computed it, in an order that follows from the rows. */
const ROWS = `
  SELECT sample, dataset, sample_group AS "group", modality, direction, site, layer, head, position,
    ${TOKEN} AS token,
    answer_token, correct, incorrect, clean_prob, clean_logit_diff, corrupted_prob, corrupted_logit_diff,
    prob, prob_diff AS "probDiff", logit_diff AS "logitDiff", effect, attribution,
    package, model, model_hash, backend, settings_hash
  FROM scores JOIN passes USING (dataset, sample, modality) JOIN samples USING (dataset, sample)
    JOIN patched USING (dataset, sample) JOIN provenance ON provenance.id = patched.provenance
    CROSS JOIN (SELECT $1 AS direction)
  ORDER BY dataset, sample, modality, site, layer, head, position`;

/**
 * Writes every score of a run in long form: beside its place first, then renamed into it.
 *
 * @returns the number of rows.
 * @throws NoticeError `options` where nothing is patched yet or the file cannot be written.
 */
export async function exportScores(run: StudyRun, file: string, format: ExportFormat): Promise<number> {
  const count = await run.store.count("SELECT count(*) FROM scores");
  if (count === 0) throw await unscored(run);
  const beside = `${file}.${process.pid}.part`;
  // COPY takes no parameters.
  const query = ROWS.replace("$1", `'${run.settings.direction}'`);
  try {
    await run.store.run(`COPY (${query}) TO '${beside.replaceAll("'", "''")}' (${OPTIONS[format]})`);
    await rename(beside, file);
  } catch (cause) {
    const [what] = (cause as Error).message.split("\n");
    throw new NoticeError("options", `${file} could not be written: ${what}.`, { cause });
  } finally {
    await rm(beside, { force: true });
  }
  return count;
}
