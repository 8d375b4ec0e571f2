import { rm } from "node:fs/promises";
import { NoticeError } from "../base/errors.js";
import { removeLeftoversOf } from "../files/leftovers.js";
import { checkOutput, writeOutput } from "../files/output.js";
import { readParts } from "../files/read.js";
import { unscored } from "./circuits.js";
import { copyRules, copyScores, type ExportFormat, type ExportTable } from "./queries/export.js";
import { countRows } from "./queries/shards.js";
import type { StudyRun } from "./run.js";

/**
 * Writes every score of a run in long form: in the run's folder first, the only one that its database may write to. In
 * CSV a text that a spreadsheet would take for a formula has an apostrophe before it.
 *
 * @returns the number of rows.
 * @throws NoticeError `options` where nothing is patched yet, the file cannot be written, or is there and no such
 * export.
 */
export function exportScores(run: StudyRun, file: string, format: ExportFormat): Promise<number> {
  return exportFile(run, file, "scores", format);
}

/**
 * Writes the circuits by every rule, with what each keeps on other samples: a row for each rule, data set and modality.
 *
 * @returns the number of rows.
 * @throws NoticeError `options` before the stage `rules`, or where the file cannot be written, or is there and no such
 * export.
 */
export function exportRules(run: StudyRun, file: string, format: ExportFormat): Promise<number> {
  return exportFile(run, file, "rules", format);
}

async function exportFile(run: StudyRun, file: string, table: ExportTable, format: ExportFormat): Promise<number> {
  const kind = `${table}.${format}` as const;
  await checkOutput(file, kind);
  await removeLeftoversOf(file);
  return exportTo(run, table, format, (parts) => writeOutput(file, kind, parts));
}

/** The same to wherever. */
export async function exportTo(
  run: StudyRun,
  table: ExportTable,
  format: ExportFormat,
  write: (parts: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<number> {
  const { store, settings } = run;
  const count = await countRows(store, table);
  if (count === 0 && table === "rules")
    throw new NoticeError(
      "options",
      `The run ${run.folder} has no circuits by rules yet; \`notice rules\` finds them.`,
    );
  if (count === 0) throw await unscored(run);
  try {
    await rm(store.beside, { force: true });
    if (table === "rules") await copyRules(store, format);
    else await copyScores(store, format, { architecture: await run.architecture(), direction: settings.direction });
    await write(readParts(store.beside));
  } finally {
    await rm(store.beside, { force: true }).catch(() => {});
  }
  return count;
}
