import { rm } from "node:fs/promises";
import { removeLeftoversOf } from "../files/leftovers.js";
import { checkOutput, writeOutput } from "../files/output.js";
import { readParts } from "../files/read.js";
import { unscored } from "./circuits.js";
import { copyScores, type ExportFormat } from "./queries/export.js";
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
export async function exportScores(run: StudyRun, file: string, format: ExportFormat): Promise<number> {
  const kind = `scores.${format}` as const;
  await checkOutput(file, kind);
  await removeLeftoversOf(file);
  return exportTo(run, format, (parts) => writeOutput(file, kind, parts));
}

/** The same to wherever. */
export async function exportTo(
  run: StudyRun,
  format: ExportFormat,
  write: (parts: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<number> {
  const { store, settings } = run;
  const count = await countRows(store, "scores");
  if (count === 0) throw await unscored(run);
  try {
    await rm(store.beside, { force: true });
    await copyScores(store, format, { architecture: await run.architecture(), direction: settings.direction });
    await write(readParts(store.beside));
  } finally {
    await rm(store.beside, { force: true }).catch(() => {});
  }
  return count;
}
